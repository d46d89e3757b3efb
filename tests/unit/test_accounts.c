/* SPDX-License-Identifier: Apache-2.0 */
#include "core/accounts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/macro.h"

static char passwd[] = "/tmp/ww-passwd-XXXXXX", group[] = "/tmp/ww-group-XXXXXX";

static void put(char *path, const char *text)
{
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	(void)close(fd);
}

static int set_up(void **state)
{
	(void)state;
	put(passwd, "root:x:0:0:root:/root:/bin/sh\n"
		    "# no account\n"
		    "broken line\n"
		    "lan:x:1001:1001:Lan:/home/lan:/bin/sh\n"
		    "minh:x:1002:970::/home/minh:/bin/sh\n"
		    "a-name-that-is-much-too-long:x:1003:1003:::\n"
		    "lan2:x:1001:970:the same number again:/:/bin/sh\n"
		    "hoa:x:1004:1004:::");
	put(group, "root:x:0:\nwastewatch:x:970:lan,hoang\nother:x:1001:hoa\nwaste:x:971:minh\n");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)unlink(passwd);
	(void)unlink(group);
	return 0;
}

static void test_names(void **state)
{
	static const struct {
		const char *file;
		uint32_t uid;
		const char *name;
	} rows[] = {
		{passwd, 0, "root"},
		{passwd, 1001, "lan"}, /* the first of a number */
		{passwd, 1002, "minh"},
		{passwd, 1003, "uid-1003"}, /* no room for it: never half a name */
		{passwd, 1004, "hoa"},	    /* the last line has no end */
		{passwd, 1005, "uid-1005"},
		{passwd, UINT32_MAX, "uid-4294967295"},
		{"/nonexistent", 0, "uid-0"},
	};
	char name[20];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		accounts_name(rows[i].file, rows[i].uid, name, sizeof(name));
		assert_string_equal(name, rows[i].name);
	}
}

static void test_groups(void **state)
{
	(void)state;
	assert_int_equal(accounts_gid(group, "wastewatch"), 970);
	assert_int_equal(accounts_gid(group, "waste"), 971);
	assert_int_equal(accounts_gid(group, "wast"), ACCOUNTS_NO_GID);
	assert_int_equal(accounts_gid("/nonexistent", "wastewatch"), ACCOUNTS_NO_GID);
}

static void test_members(void **state)
{
	static const struct {
		uint32_t uid;
		uint32_t gid;
		bool is_member;
	} rows[] = {
		{1001, 970, true},  /* listed */
		{1002, 970, true},  /* it is its own */
		{1004, 970, false}, /* "hoa" is no "hoang" */
		{1004, 1001, true}, {1005, 970, false},
		{0, 970, false},    {1001, ACCOUNTS_NO_GID, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(accounts_is_member(passwd, group, rows[i].uid, rows[i].gid),
				 rows[i].is_member);
	assert_false(accounts_is_member("/nonexistent", group, 1001, 970));
	assert_false(accounts_is_member(passwd, "/nonexistent", 1001, 970));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_members),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
