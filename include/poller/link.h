/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link.h - one connection and the units behind it: what to do, and when
 *
 * A machine without sockets and clocks: it is told what happened and the time, and says what
 * to do. One request is outstanding at most.
 *
 *                    time (back-off over)
 *        ┌──────────────────────────────────────────────────────┐
 *        ▼            connected                 due             │
 *   ┌────────────┐ ───────────────▶ ┌────────┐ ──────▶ ┌─────────┐
 *   │ CONNECTING │                  │  IDLE  │         │ WAITING │
 *   └────────────┘ ◀─────────────── └────────┘ ◀────── └─────────┘
 *     │        ▲     closed, bytes    │    answer, exception │
 *     │        │     nobody asked for │                      │ no answer in time, malformed,
 *     │        │     (1)              │ (2)                  │ foreign, closed
 *     │ closed,│                      ▼                      │
 *     │ time   │ (1)            ┌─────────────┐  (2)         │
 *     └────────┼──────────────▶ │ BACKING OFF │ ◀────────────┤
 *              │                └─────────────┘              │
 *              └─────────────────────────────────────────────┘ (1)
 *
 * (1) at once, if the connection has answered anything since it was opened, or if a request
 *     failed and there is another unit whose last one did not: one dead unit behind a gateway
 *     must not make the others wait. The number of such reconnects is bounded by the due times.
 * (2) else after a pause that doubles with every failure in a row, ±25 % by chance so that
 *     links do not come back in step; the first right answer sets it back.
 * Leaving IDLE or WAITING this way closes the connection: a late answer can never be taken for
 * the answer to a later request.
 *
 * Lines (RTU frames, on a serial line or through a TCP connection) differ in this: the connection
 * says nothing of a unit and the others need it, so it is closed only when it is gone.
 *
 *                  due, and the line was silent for long enough
 *              ┌──────────────────────────────────────────────┐
 *              │                                              ▼
 *        ┌────────┐   answer, exception: frame gap       ┌─────────┐ malformed, foreign:
 *        │  IDLE  │   or the unit's turnaround           │ WAITING │ skipped, and told
 *        │        │ ◀─────────────────────────────────── │         │ at the deadline
 *        │ silent │   no answer in time: worst answer    └─────────┘
 *        └────────┘   time after the request, then on
 *          │    ▲
 *          └────┘ bytes nobody asked for: thrown away; silent for a frame gap (silence.h)
 *
 * A unit whose answer did not come gets in step again (instep.h) before it is believed, as does
 * every unit of a line that was opened: what it is asked for that is no request of the plan, and is
 * not reported. A request that was put off by it follows at once.
 *
 * First delay, frame gap and turnaround hold for every kind of link.
 *
 * Pace: a unit is due at n × interval + phase of the clock that the times are given in, moved
 * up to the grid. All its requests are then sent, one after the other, in turn with those of
 * other units. A due time that comes while the round before is not through is passed over and
 * counted; none is made up for.
 *
 * Refusals: a request that the unit does not know (exceptions 2 and 3) is read in parts, see
 * split.h. A unit that is busy (5 and 6) is asked the same again in its round, see pace.h, and
 * only if that comes to nothing the exception is reported.
 *
 * Health: a unit that is silent for LINK_SILENT_MAX requests in a row, or for which a gateway
 * says so (exceptions 10 and 11), is degraded: it gets one request per probe, after the
 * requests of all others, at intervals that double from its own up to LINK_PROBE_US_MAX.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macro.h"
#include "common/wire.h"

#define LINK_SILENT_MAX	  3
#define LINK_PROBE_US_MAX INT64_C(60000000)
#define LINK_NONE	  UINT32_MAX
#define LINK_NEVER	  INT64_MAX

/** enum link_event - what happened */
enum link_event {
	LINK_TIME,	  /* the time link_wake_us() has come, or nothing happened */
	LINK_CONNECTED,	  /* the connection stands */
	LINK_CLOSED,	  /* it does not, or no longer: refused, unreachable, reset, closed */
	LINK_ANSWERED,	  /* the right and whole answer to the outstanding request */
	LINK_REFUSED,	  /* the unit answered with an exception */
	LINK_MISANSWERED, /* a malformed or foreign answer; on a line: that is all until now */
	LINK_UNASKED,	  /* bytes came while no request was outstanding, or after its answer */
};

/**
 * struct link_input - one event
 * @status: with LINK_MISANSWERED: WIRE_MALFORMED or WIRE_FOREIGN
 * @exception: with LINK_REFUSED: the code
 * @mark: with LINK_ANSWERED on a line: the same for the same content, 0 not looked at
 * @error: with LINK_CLOSED: errno value, positive
 * @hold: another event follows at once: send nothing yet
 */
struct link_input {
	enum link_event event;
	enum wire_status status;
	uint8_t exception;
	uint64_t mark;
	int error;
	bool hold;
};

/** enum link_action_kind - what to do, in the order given */
enum link_action_kind {
	LINK_CONNECT,	    /* open the connection; tell LINK_CONNECTED or LINK_CLOSED */
	LINK_CLOSE,	    /* close it, whatever comes of that */
	LINK_SEND,	    /* send @request; tell LINK_CLOSED if that fails */
	LINK_REPORT,	    /* hand on what came of @request */
	LINK_UP,	    /* for people: the link answers */
	LINK_DOWN,	    /* for people: it does not, for the reason @error */
	LINK_DEGRADED,	    /* for people: @unit is silent */
	LINK_RESTORED,	    /* for people: @unit answers again */
	LINK_PART_REFUSED,  /* for people: @unit refuses a part of @request; it is hardly asked now
			     */
	LINK_PART_ACCEPTED, /* for people: the part is read again */
};

/**
 * struct link_action - one thing to do
 * @unit: index into the link's units
 * @request: index into the link's requests
 * @first, @count: with LINK_SEND, LINK_REPORT and the parts: as in struct wire_reading
 * @status, @exception, @took_us: with LINK_REPORT, as in struct wire_reading
 * @error: errno value, positive
 */
struct link_action {
	enum link_action_kind kind;
	uint32_t unit;
	uint32_t request;
	uint16_t first;
	uint16_t count;
	enum wire_status status;
	uint8_t exception;
	uint32_t took_us;
	int error;
};

struct link;

/**
 * struct link_plan - what a link is to do; must live as long as the link
 * @units: all of this link
 * @requests: those of @units[i] are [@first_request[i] - @first_request[0],
 *   @first_request[i + 1] - @first_request[0])
 */
struct link_plan {
	const struct wire_link *link;
	const struct wire_unit *units;
	const struct wire_request *requests;
	const uint32_t *first_request;
	uint32_t n_units;
	uint32_t grid_us;
};

/** link_new() - a link that wants to connect at once; @seed: for the jitter. 0; -ENOMEM. */
int link_new(struct link **ret, const struct link_plan *plan, int64_t now_us, uint64_t seed);

/** link_free() - takes NULL. Return: NULL. */
struct link *link_free(struct link *link);
DEFINE_CLEANUP(struct link *, link_free)

/**
 * link_inherit() - a new link takes the place of @old: the same connection, other work
 *
 * Units that have the same id and pace keep their health, requests that are the same what is
 * known of their parts. Where the outstanding request is not in the new plan its answer is
 * waited for and dropped. @old is only to be freed after this.
 */
void link_inherit(struct link *link, struct link *old);

/**
 * link_inherit_debts() - @link takes the place of @old on the same line under other settings
 *
 * What is owed and when the line may be talked into go over, the connection does not.
 */
void link_inherit_debts(struct link *link, const struct link *old);

/** link_actions_max() - room that link_step() may need */
size_t link_actions_max(const struct link *link);

/**
 * link_step() - tell what happened and learn what to do
 * @now_us: never goes back
 * @ret: room for link_actions_max()
 *
 * Events that do not fit the state are ignored. Return: number of actions.
 */
size_t link_step(struct link *link, int64_t now_us, const struct link_input *input,
		 struct link_action *ret);

/** link_wake_us() - when to tell LINK_TIME next; LINK_NEVER */
int64_t link_wake_us(const struct link *link);

/** link_state() - as the wire names it */
enum wire_link_state link_state(const struct link *link);

/** link_is_up() - it has answered, and has not failed since */
bool link_is_up(const struct link *link);

/** link_is_down() - it has failed, and has not answered since */
bool link_is_down(const struct link *link);

/** link_outstanding() - what was sent last, a request or a part, and to which unit's id */
const struct wire_request *link_outstanding(const struct link *link, uint8_t *ret_unit_id);

/** link_account() - the time until @now_us counts in the next report */
void link_account(struct link *link, int64_t now_us);

/** link_report() - counters and state; the key is that of the plan */
void link_report(const struct link *link, struct wire_link_report *ret);
