/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "core/forecast.h"

/* does the mean break the limit with @k further values of @value, and the best for the rest? */
static bool breaks(const struct forecast_window *window, bool high, double bound, double value,
		   uint32_t k)
{
	double sum = window->sum + value * k + window->best * (window->n_rest - k);
	double mean = sum / ((double)window->n + window->n_rest);

	return high ? mean > bound : mean < bound;
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
	if (!can_be_valid(window) || !isfinite(value) ||
	    !breaks(window, high, bound, value, window->n_rest))
		return FORECAST_NONE;
	k = first_that_breaks(window, high, bound, value);
	if (k == 0)
		return FORECAST_UNAVOIDABLE;
	*ret_in_ms = window->rest_ms * k / window->n_rest;
	return FORECAST_BREAKS;
}
