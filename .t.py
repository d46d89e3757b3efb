import datetime
t=datetime.datetime(2026,3,2,8,0,tzinfo=datetime.timezone(datetime.timedelta(hours=7)))
print("time,channel,value,status")
for i in range(0,7200,1):
    m=(t+datetime.timedelta(seconds=i)).isoformat()
    if i%1==0:
        print(f"{m},hop-thanh/outfall-1/COD,{60+i%7},00")
        print(f"{m},hop-thanh/outfall-1/Flow_out,{20+i%3},00")
