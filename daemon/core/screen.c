/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "common/macro.h"
#include "core/screen.h"

static bool is_frozen(const struct config_channel *channel, struct screen *screen, struct stamp at,
		      double value)
{
	if (channel->frozen_after_ms == 0)
		return false;
	if (screen->has_anchor && fabs(value - screen->anchor) <= channel->frozen_change)
		return at.mono_ms - screen->since.mono_ms >= (int64_t)channel->frozen_after_ms;
	screen->anchor = value;
	screen->since = at;
	screen->has_anchor = true;
	return false;
}

static bool is_within_rate(const struct config_channel *channel, double change, int64_t elapsed_ms,
			   uint32_t interval_ms)
{
	double minutes = (double)MAX(elapsed_ms, (int64_t)interval_ms) / (double)MS_PER_MIN;

	return fabs(change) <= channel->max_rate * minutes;
}

static bool is_jump(const struct config_channel *channel, struct screen *screen, struct stamp at,
		    double value, const double *believed, int64_t believed_ms, uint32_t interval_ms)
{
	bool agrees;

	if (channel->max_rate <= 0)
		return false;
	if (!believed ||
	    is_within_rate(channel, value - *believed, at.mono_ms - believed_ms, interval_ms)) {
		screen->n_suspects = 0;
		return false;
	}
	agrees = screen->n_suspects > 0 &&
		 is_within_rate(channel, value - screen->suspect, at.mono_ms - screen->suspect_ms,
				interval_ms);
	screen->n_suspects = agrees ? screen->n_suspects + 1 : 1;
	screen->suspect = value;
	screen->suspect_ms = at.mono_ms;
	if (screen->n_suspects < SCREEN_SUSPECTS)
		return true;
	screen->n_suspects = 0;
	return false;
}

enum quality screen_value(const struct config_channel *channel, struct screen *screen,
			  struct stamp at, double value, const double *believed,
			  int64_t believed_ms, uint32_t interval_ms)
{
	bool frozen = is_frozen(channel, screen, at, value);

	if (is_jump(channel, screen, at, value, believed, believed_ms, interval_ms))
		return frozen ? QUALITY_FROZEN : QUALITY_RATE;
	return frozen ? QUALITY_FROZEN : QUALITY_GOOD;
}

void screen_release(struct screen *screen)
{
	screen->has_anchor = false;
}
