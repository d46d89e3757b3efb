/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "common/clock.h"
#include "common/macro.h"
#include "core/forecast.h"

int64_t forecast_slot_ms(int64_t window_ms)
{
	return MAX(window_ms / (12 * FORECAST_SLOTS), MS_PER_MIN);
}

/* a window is entered when its first minute is over; where slots were left out, all begins anew */
static void enter_slot(struct forecast_rate *rate, int32_t slot, double sum, uint32_t n)
{
	size_t i = (size_t)slot % ARRAY_SIZE(rate->sum);

	if (slot == rate->slot)
		return;
	if (rate->slot < 0 && slot <= 1)
		*rate = (struct forecast_rate){.first = 0};
	else if (slot != rate->slot + 1)
		*rate = (struct forecast_rate){.first = slot};
	rate->slot = slot;
	if (slot > 0) {
		rate->sum[i] = sum;
		rate->n[i] = n;
	}
}

double forecast_rate(struct forecast_rate *rate, int32_t slot, double sum, uint32_t n)
{
	size_t i = (size_t)(slot + 1) % ARRAY_SIZE(rate->sum); /* the oldest, FORECAST_SLOTS ago */

	enter_slot(rate, slot, sum, n);
	if (slot - rate->first < FORECAST_SLOTS || n <= rate->n[i])
		return (double)NAN;
	return (sum - rate->sum[i]) / (n - rate->n[i]);
}

/* does the mean break the limit with @k further values of @value, and the best for the rest? */
static bool breaks(const struct forecast_window *window, bool high, double bound, double value,
		   uint32_t k)
{
	double sum = window->sum + value * k + window->best * (window->n_rest - k);
	double mean = sum / ((double)window->n + window->n_rest);

	return high ? mean > bound : mean < bound;
}

/* even with the best for all that are missing of the whole window? Then it will be judged so. */
static bool is_certain(const struct forecast_window *window, bool high, double bound)
{
	struct forecast_window whole = *window;

	if (window->expected > window->n + window->n_rest)
		whole.n_rest = window->expected - window->n;
	return whole.n > 0 && breaks(&whole, high, bound, 0, 0);
}

static bool can_be_valid(const struct forecast_window *window)
{
	uint64_t most = (uint64_t)window->n + window->n_rest;

	return most > 0 && 100 * most >= (uint64_t)window->required_percent * window->expected;
}

/* Breaking is monotonic in k: if it breaks with all of them, there is a first, found by halving. */
static uint32_t first_that_breaks(const struct forecast_window *window, bool high, double bound,
				  double value)
{
	uint32_t low = 0, top = window->n_rest;

	while (low < top) {
		uint32_t middle = low + (top - low) / 2;

		if (breaks(window, high, bound, value, middle))
			top = middle;
		else
			low = middle + 1;
	}
	return low;
}

enum forecast_kind forecast_mean(const struct forecast_window *window, bool high, double bound,
				 double value, int64_t *ret_in_ms)
{
	uint32_t k;

	*ret_in_ms = 0;
	if (is_certain(window, high, bound))
		return FORECAST_UNAVOIDABLE;
	if (!can_be_valid(window) || !isfinite(value) ||
	    !breaks(window, high, bound, value, window->n_rest))
		return FORECAST_NONE;
	k = first_that_breaks(window, high, bound, value);
	*ret_in_ms = k > 0 ? window->rest_ms * k / window->n_rest : 0;
	return FORECAST_BREAKS;
}
