/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/sandbox.h"

static struct wire_trial tried(enum wire_trial_kind kind, const char *target)
{
	struct wire_trial trial = {.kind = (uint16_t)kind};

	(void)snprintf(trial.target, sizeof(trial.target), "%s", target);
	sandbox_try(&trial);
	return trial;
}

static void test_files(void **state)
{
	struct wire_trial open = tried(WIRE_TRIAL_FILE, "/etc/passwd");
	struct wire_trial none = tried(WIRE_TRIAL_FILE, "/etc/passwd/none");
	struct wire_trial gone = tried(WIRE_TRIAL_FILE, "/nonexistent/record.db");

	(void)state;
	assert_int_equal(open.outcome, WIRE_OPEN);
	assert_int_equal(open.error, 0);
	assert_int_equal(gone.outcome, WIRE_REFUSED);
	assert_int_equal(gone.error, ENOENT);
	assert_int_equal(none.outcome, WIRE_UNKNOWN); /* no sandbox says that */
	assert_int_equal(none.error, ENOTDIR);
}

/* nobody has a sandbox in a unit test; so a socket can be opened where the kernel has the family */
static void test_families(void **state)
{
	(void)state;
	assert_int_equal(tried(WIRE_TRIAL_FAMILY, "IPv4").outcome, WIRE_OPEN);
	assert_int_not_equal(tried(WIRE_TRIAL_FAMILY, "IPv6").outcome, WIRE_NOT_TRIED);
}

/* without a network there is no way by lo, and nothing is shown; never is it said to hold */
static void test_addresses(void **state)
{
	static const char *const targets[] = {"203.0.113.1", "192.168.10.20", "2001:db8::1",
					      "fe80::1"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		struct wire_trial trial = tried(WIRE_TRIAL_ADDRESS, targets[i]);

		assert_true(trial.outcome == WIRE_OPEN || trial.outcome == WIRE_UNKNOWN);
		assert_int_equal(trial.outcome == WIRE_OPEN, trial.error == 0);
	}
	assert_int_equal(tried(WIRE_TRIAL_ADDRESS, "plant.example").outcome, WIRE_UNKNOWN);
	assert_int_equal(tried(WIRE_TRIAL_ADDRESS, "plant.example").error, EINVAL);
}

static void test_all_of_a_packet(void **state)
{
	struct {
		struct wire_header header;
		struct wire_trial list[3];
	} packet = {
		.header = {.type = WIRE_TRIALS, .count = 2},
		.list = {{.kind = WIRE_TRIAL_FILE, .target = "/"},
			 {.kind = WIRE_TRIAL_FAMILY, .target = "IPv4"},
			 {.kind = WIRE_TRIAL_FAMILY, .target = "IPv4"}},
	};

	(void)state;
	sandbox_try_all(&packet);
	assert_int_equal(packet.list[0].outcome, WIRE_OPEN);
	assert_int_equal(packet.list[1].outcome, WIRE_OPEN);
	assert_int_equal(packet.list[2].outcome, WIRE_NOT_TRIED);
}

static void test_what_is_not_tried(void **state)
{
	static const struct {
		const char *address;
		bool expected;
	} rows[] = {
		{"127.0.0.1", true},
		{"127.255.255.255", true},
		{"126.255.255.255", false},
		{"128.0.0.0", false},
		{"::1", true},
		{"::2", false},
		{"192.168.1.1", false},
		{"fe80::1", false},
		{"", true},
		{"plant.example", true},
		{"/dev/ttyUSB0", true},
		{"1.2.3", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(sandbox_is_loopback(rows[i].address), rows[i].expected);
}

static void test_names(void **state)
{
	static const struct {
		const char *address;
		bool expected;
	} rows[] = {
		{"127.0.0.1", false},	 {"::1", false},  {"192.168.1.1", false},
		{"2001:db8::1", false},	 {"", false},	  {"localhost", false},
		{"plant.example", true}, {"1.2.3", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(sandbox_is_name(rows[i].address), rows[i].expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_families),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_all_of_a_packet),
		cmocka_unit_test(test_what_is_not_tried),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
