/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "tools/sim_frame.h"

#define MBAP_BYTES  7
#define CRC_BYTES   2
#define RTU_MIN	    4 /* unit, function, CRC */
#define RTU_MAX	    256
#define CRC_INITIAL 0xffffU
#define CRC_POLY    0xa001U /* x^16 + x^15 + x^2 + 1, reflected */

static unsigned int get16(const uint8_t *bytes)
{
	return (unsigned int)(bytes[0] << 8 | bytes[1]);
}

static void put16(uint8_t *bytes, size_t value)
{
	bytes[0] = (uint8_t)(value >> 8);
	bytes[1] = (uint8_t)value;
}

uint16_t sim_frame_crc(const uint8_t *bytes, size_t n)
{
	unsigned int crc = CRC_INITIAL;

	for (size_t i = 0; i < n; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (crc & 1) != 0 ? crc >> 1 ^ CRC_POLY : crc >> 1;
	}
	return (uint16_t)crc;
}

static int take_tcp(const uint8_t *bytes, size_t n, struct sim_frame *ret)
{
	unsigned int length;

	if (n < 6)
		return 0;
	length = get16(bytes + 4); /* unit id and PDU */
	if (get16(bytes + 2) != 0 || length < 2 || length > 1 + SIM_PDU_MAX)
		return -EBADMSG;
	if (n < 6 + length)
		return 0;
	*ret = (struct sim_frame){.transaction = (uint16_t)get16(bytes),
				  .unit = bytes[6],
				  .pdu = bytes + MBAP_BYTES,
				  .n_pdu = length - 1,
				  .size = 6 + length};
	return 1;
}

/* Bytes of a request as its function says; 0 not known, or not yet. */
static size_t rtu_size(const uint8_t *bytes, size_t n)
{
	if (n < 2)
		return 0;
	if (bytes[1] >= 1 && bytes[1] <= 6)
		return 8;
	if ((bytes[1] == 15 || bytes[1] == 16) && n >= 7)
		return 7 + (size_t)bytes[6] + CRC_BYTES;
	return 0;
}

static int take_rtu(const uint8_t *bytes, size_t n, bool silent, struct sim_frame *ret)
{
	size_t size = rtu_size(bytes, n);

	if (size == 0 && silent)
		size = n;
	if (n > RTU_MAX && size == 0)
		return -EBADMSG;
	if (size == 0 || (n < size && !silent))
		return 0;
	if (n < size || size < RTU_MIN || size > RTU_MAX ||
	    sim_frame_crc(bytes, size - CRC_BYTES) !=
		    (bytes[size - 1] << 8 | bytes[size - CRC_BYTES]))
		return -EBADMSG;
	*ret = (struct sim_frame){
		.unit = bytes[0], .pdu = bytes + 1, .n_pdu = size - 1 - CRC_BYTES, .size = size};
	return 1;
}

int sim_frame_take(enum sim_framing framing, const uint8_t *bytes, size_t n, bool silent,
		   struct sim_frame *ret)
{
	return framing == SIM_FRAMING_TCP ? take_tcp(bytes, n, ret)
					  : take_rtu(bytes, n, silent, ret);
}

size_t sim_frame_put(enum sim_framing framing, const struct sim_frame *request, const uint8_t *pdu,
		     size_t n_pdu, uint8_t *ret)
{
	uint16_t crc;

	if (framing == SIM_FRAMING_TCP) {
		memmove(ret + MBAP_BYTES, pdu, n_pdu);
		put16(ret, request->transaction);
		put16(ret + 2, 0);
		put16(ret + 4, 1 + n_pdu);
		ret[6] = request->unit;
		return MBAP_BYTES + n_pdu;
	}
	memmove(ret + 1, pdu, n_pdu);
	ret[0] = request->unit;
	crc = sim_frame_crc(ret, 1 + n_pdu);
	ret[1 + n_pdu] = (uint8_t)crc;
	ret[2 + n_pdu] = (uint8_t)(crc >> 8);
	return 1 + n_pdu + CRC_BYTES;
}
