/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_scenario.h - what goes wrong in the plant, and when
 *
 * One action per line, "#" begins a comment. Times are from the simulator's start.
 *
 *   at 20s SITE/SOURCE/CHANNEL ramp 300 over 10s    rise or fall evenly, then hold
 *   at 40s SITE/SOURCE/CHANNEL set 120              hold exactly
 *   at 50s SITE/SOURCE/CHANNEL normal [over 5s]     back to the healthy course
 *   at 60s SITE/SOURCE/CHANNEL nan                  NaN, or an integer's first invalid code
 *   at 60s SITE/SOURCE/CHANNEL stuck                hold whatever it shows now
 *   at 60s SITE/SOURCE/CHANNEL raw 0xFFFF           hold this bit pattern
 *   at 60s link NAME normal|dead|refuse|reset|garbage|drop
 *   at 60s link NAME badcrc|echo|foreign|noise
 *   at 60s link NAME late 700ms                     every answer after so long
 *   at 60s link NAME drip 100ms                     a byte, a pause, a byte, …
 *   at 60s unit NAME normal|dead
 *   at 60s unit NAME exception 4                    every answer is this exception
 *   at 60s unit NAME calibrating|maintenance|fault|measuring    its status registers say so
 *   at 60s unit NAME refuse input 12-13             these registers are illegal now; also
 *                                                   holding, coil, discrete; one or a range
 *   at 60s unit NAME allow                          all refused registers are legal again
 *   at 60s state SITE/UNIT/STATE raw 0x0004         a status register holds this bit pattern
 *   at 80s end
 *
 * On a serial line, "refuse" is an instrument that was unplugged, "drop" one that was plugged
 * out and in again, and "reset" does that instead of answering: the device's name comes back
 * as another terminal.
 *
 * NAME is SITE/NAME where two sites use the name. Times: a number with ms, s, min or h.
 * No clock; reads only the stream that it is given.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/macro.h"
#include "core/config.h"
#include "tools/sim_map.h"

enum sim_verb {
	SIM_RAMP,
	SIM_SET,
	SIM_NORMAL,
	SIM_NAN,
	SIM_STUCK,
	SIM_RAW,
	SIM_LINK,
	SIM_LINK_DROP,
	SIM_UNIT_NORMAL,
	SIM_UNIT_DEAD,
	SIM_UNIT_EXCEPTION,
	SIM_UNIT_SAYS,
	SIM_UNIT_REFUSE,
	SIM_UNIT_ALLOW,
	SIM_STATE_RAW,
	SIM_END,
};

/** enum sim_link_mode - how a link behaves until it is told otherwise */
enum sim_link_mode {
	SIM_LINK_NORMAL,
	SIM_LINK_DEAD,	  /* takes connections and requests, never answers */
	SIM_LINK_REFUSE,  /* nobody listens */
	SIM_LINK_RESET,	  /* RST instead of an answer */
	SIM_LINK_GARBAGE, /* random bytes instead of an answer */
	SIM_LINK_LATE,
	SIM_LINK_DRIP,
	SIM_LINK_BADCRC,  /* RTU: a wrong check sum */
	SIM_LINK_ECHO,	  /* the request comes back before the answer */
	SIM_LINK_FOREIGN, /* the answer is another unit's */
	SIM_LINK_NOISE,	  /* random bytes before the answer */
};

/**
 * struct sim_action - one line of a scenario
 * @at_ms: since the start
 * @target: index of the channel, link, unit or state in the configuration
 * @value: RAMP, SET: engineering units; can be encoded by the channel
 * @raw: RAW, NAN, STATE_RAW: bit pattern, fits the channel's or state's type
 * @over_ms: RAMP, NORMAL: length of the way there
 * @mode, @delay_ms: LINK
 * @exception: UNIT_EXCEPTION: 1-255
 * @quality: UNIT_SAYS: good, calibrating, maintenance or device fault; some state can say it
 * @range: UNIT_REFUSE
 */
struct sim_action {
	int64_t at_ms;
	enum sim_verb verb;
	size_t target;
	double value;
	uint64_t raw;
	int64_t over_ms;
	enum sim_link_mode mode;
	uint32_t delay_ms;
	uint8_t exception;
	enum quality quality;
	struct sim_range range;
	unsigned int line;
};

/** struct sim_scenario - @actions in order of time; those of one moment as written */
struct sim_scenario {
	struct sim_action *actions;
	size_t n;
};

/**
 * sim_scenario_read() - parse and check a scenario
 * @name: of the file, for messages
 * @errors: where to write "file:line: what is wrong; what is allowed", all of them; NULL
 *   nowhere
 *
 * Return: 0; -EINVAL errors in the text; -ENOMEM; -EIO the stream cannot be read. @ret is
 *   untouched on failure.
 */
int sim_scenario_read(struct sim_scenario **ret, FILE *in, const char *name,
		      const struct config *config, FILE *errors);

/** sim_scenario_free() - takes NULL. Return: NULL. */
struct sim_scenario *sim_scenario_free(struct sim_scenario *scenario);
DEFINE_CLEANUP(struct sim_scenario *, sim_scenario_free)

#define SIM_TEXT_MAX 512

/**
 * sim_action_text() - "00:20 COD at hop-thanh/outfall-1 begins to rise to 300 mg/l over 10 s"
 * @now: what the channel shows before the action; unused for links and units
 */
void sim_action_text(const struct sim_action *action, const struct config *config, double now,
		     char text[static SIM_TEXT_MAX]);

/** sim_link_mode_text() - "is dead: it takes requests and does not answer", … */
const char *sim_link_mode_text(enum sim_link_mode mode);
