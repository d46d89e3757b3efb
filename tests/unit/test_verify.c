/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <openssl/crypto.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/sign.h"
#include "core/sign_public.h"
#include "core/verify.h"

#define ENTRIES 8
#define LINE	640
#define NOTE	256

/* struct book - a small record in memory, with a head behind each entry */
struct book {
	char lines[ENTRIES][LINE];
	uint64_t seqs[ENTRIES];
	uint8_t hashes[ENTRIES][32];
	char notes[ENTRIES][NOTE];
	uint64_t head_seqs[ENTRIES];
	uint8_t signatures[ENTRIES][SIGN_ED25519_BYTES];
	bool has_head[ENTRIES];
	size_t n;
};

/* seeds of three keys: RFC 8032 needs no more than 32 bytes */
static const char *const seeds[] = {
	"whsk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
	"whsk_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=",
	"whsk_AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=",
};
static struct sign_key *keys[3];
static struct sign_public publics[3];

static bool no_memory;
static long allowed = -1; /* so many more, then none; -1 all */

static bool refuses(void)
{
	if (allowed > 0)
		allowed--;
	return no_memory || allowed == 0;
}

/* libcrypto frees what it got before memory ran out, too */
static void *maybe_malloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return refuses() ? NULL : malloc(n);
}

static void *maybe_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return refuses() ? NULL : realloc(p, n);
}

static void give_back(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

static int set_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		char text[SIGN_PUBLIC_TEXT];

		assert_int_equal(sign_key_load(&keys[i], seeds[i], strlen(seeds[i])), 0);
		assert_int_equal(sign_key_public(keys[i], text), 0);
		assert_int_equal(sign_public_load(&publics[i], text, strlen(text)), 0);
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++)
		keys[i] = sign_key_free(keys[i]);
	return 0;
}

/* an entry that names a new key; @signer: who signs that, NULL nobody */
static void rotation_line(char *line, uint64_t seq, size_t from, size_t to,
			  const struct sign_key *signer)
{
	char old[SIGN_PUBLIC_TEXT], new[SIGN_PUBLIC_TEXT], text[VERIFY_ROTATION_MAX];
	char base64[SIGN_SIGNATURE_TEXT] = "";
	uint8_t signature[SIGN_ED25519_BYTES];

	sign_public_text(&publics[from], old);
	sign_public_text(&publics[to], new);
	if (signer) {
		assert_int_equal(
			sign_bytes(signer, text, verify_rotation("o", old, new, text), signature),
			0);
		sign_signature_text(signature, base64);
	}
	(void)snprintf(line, LINE,
		       "{\"old_public_key\":\"%s\",\"origin\":\"o\",\"public_key\":\"%s\","
		       "\"seq\":%llu%s%s%s,\"type\":\"key.rotated\"}",
		       old, new, (unsigned long long)seq, signer ? ",\"signature\":\"" : "", base64,
		       signer ? "\"" : "");
}

static void sign_head(struct book *book, size_t i, const struct sign_key *key)
{
	char hex[CHAIN_HEX_MAX], id[SIGN_KEY_ID_TEXT];

	chain_hex(book->hashes[i], hex);
	assert_int_equal(sign_key_id(key, id), 0);
	(void)snprintf(book->notes[i], NOTE, "o\n%llu\n%s\n2026-11-28T01:00:00.000Z\n%s\n",
		       (unsigned long long)book->seqs[i], hex, id);
	assert_int_equal(
		sign_bytes(key, book->notes[i], strlen(book->notes[i]), book->signatures[i]), 0);
	book->head_seqs[i] = book->seqs[i];
	book->has_head[i] = true;
}

/* hashes and heads anew from entry @from on, as somebody with key @key can make them */
static void write_on(struct book *book, size_t from, size_t key)
{
	static const uint8_t zeros[32];

	for (size_t i = from; i < book->n; i++) {
		assert_int_equal(chain_next(i ? book->hashes[i - 1] : zeros, book->lines[i],
					    book->hashes[i]),
				 0);
		sign_head(book, i, keys[key]);
	}
}

static void make(struct book *book, uint64_t first)
{
	*book = (struct book){.n = ENTRIES};
	for (size_t i = 0; i < ENTRIES; i++) {
		book->seqs[i] = first + i;
		(void)snprintf(book->lines[i], LINE,
			       "{\"name\":\"x\",\"seq\":%llu,\"type\":\"%s\"}",
			       (unsigned long long)book->seqs[i],
			       i == 0 ? "record.created" : "alarm.raised");
	}
	write_on(book, 0, 0);
}

/* key 1 takes over from key 0 at the fourth entry */
static void make_rotated(struct book *book, const struct sign_key *signer)
{
	make(book, 1);
	rotation_line(book->lines[3], 4, 0, 1, signer);
	write_on(book, 3, 1);
}

static bool look(const struct book *book, struct verify *v, const struct chain *before,
		 unsigned mode, size_t first_key, size_t n_keys)
{
	verify_begin(v, before, mode);
	for (size_t i = 0; i < n_keys; i++)
		assert_int_equal(verify_trust(v, &publics[first_key + i]), 0);
	for (size_t i = 0; i < book->n; i++) {
		verify_entry(v,
			     &(struct verify_entry){book->seqs[i], book->lines[i],
						    strlen(book->lines[i]), book->hashes[i], NULL});
		if (book->has_head[i])
			verify_head(v, &(struct verify_head){book->head_seqs[i], book->notes[i],
							     book->signatures[i]});
	}
	return verify_end(v);
}

/* no hashes beside the lines, numbers from the lines only, one head at the end: an export */
static bool look_at_export(const struct book *book, struct verify *v)
{
	const struct chain before = {.seq = VERIFY_ANY};
	size_t last = ENTRIES - 1;

	verify_begin(v, &before, 0);
	assert_int_equal(verify_trust(v, &publics[0]), 0);
	for (size_t i = 0; i < book->n; i++)
		verify_entry(v, &(struct verify_entry){VERIFY_ANY, book->lines[i],
						       strlen(book->lines[i]), NULL, NULL});
	verify_head(v,
		    &(struct verify_head){VERIFY_ANY, book->notes[last], book->signatures[last]});
	return verify_end(v);
}

static void test_good(void **state)
{
	struct book book;
	struct verify v;
	char text[VERIFY_TEXT_MAX];

	(void)state;
	make(&book, 1);
	assert_true(look(&book, &v, NULL, VERIFY_WHOLE, 0, 1));
	assert_int_equal(v.n_entries, ENTRIES);
	assert_int_equal(v.n_heads, ENTRIES);
	assert_int_equal(v.first_seq, 1);
	assert_int_equal(v.signed_seq, ENTRIES);
	assert_string_equal(v.origin, "o");
	assert_string_equal(v.key_id, publics[0].id);
	verify_text(&v, text);
	assert_string_equal(text, "all of it is good");
	assert_string_equal(verify_fault_text(v.fault), "good");
	assert_true(look_at_export(&book, &v));
	assert_int_equal(v.first_seq, 1);
	/* a chain that goes on where one that was set aside ended */
	make(&book, 1000);
	assert_true(look(&book, &v, NULL, VERIFY_WHOLE, 0, 1));
	assert_int_equal(v.first_seq, 1000);
	/* nothing at all */
	verify_begin(&v, NULL, VERIFY_WHOLE);
	assert_true(verify_end(&v));
}

static void test_from_the_middle(void **state)
{
	const size_t from = 3;
	struct book book;
	struct verify v;
	struct chain before = {.seq = from};

	(void)state;
	make(&book, 1);
	memcpy(before.hash, book.hashes[from - 1], sizeof(before.hash));
	memmove(book.lines, book.lines + from, sizeof(book.lines) - from * LINE);
	memmove(book.hashes, book.hashes + from, sizeof(book.hashes) - from * 32);
	memmove(book.notes, book.notes + from, sizeof(book.notes) - from * NOTE);
	memmove(book.signatures, book.signatures + from,
		sizeof(book.signatures) - from * SIGN_ED25519_BYTES);
	memmove(book.seqs, book.seqs + from, sizeof(book.seqs) - from * sizeof(*book.seqs));
	memcpy(book.head_seqs, book.seqs, sizeof(book.seqs));
	book.n -= from;
	assert_true(look(&book, &v, &before, 0, 0, 1));
	before.hash[7] ^= 1;
	assert_false(look(&book, &v, &before, 0, 0, 1));
	assert_int_equal(v.fault, VERIFY_LINE);
	assert_int_equal(v.bad, from + 1);
}

/* --- what somebody may do to it ---------------------------------------------------- */

static void edit_line(struct book *b)
{
	b->lines[4][9] = 'y';
}
static void edit_line_without_head(struct book *b)
{
	edit_line(b);
	b->has_head[4] = false;
}
static void edit_last_line(struct book *b)
{
	b->lines[ENTRIES - 1][9] = 'y';
}
static void edit_hash(struct book *b)
{
	b->hashes[4][31] ^= 1;
	b->has_head[4] = false;
}
static void edit_hash_before_head(struct book *b)
{
	b->hashes[4][31] ^= 1;
}
static void edit_last_hash(struct book *b)
{
	b->hashes[ENTRIES - 1][0] ^= 0x80;
	b->has_head[ENTRIES - 1] = false;
}
static void edit_line_and_hash(struct book *b)
{
	edit_line(b);
	assert_int_equal(chain_next(b->hashes[3], b->lines[4], b->hashes[4]), 0);
	b->has_head[4] = false;
}
static void cut_out(struct book *b, size_t at)
{
	for (size_t i = at; i + 1 < b->n; i++) {
		memcpy(b->lines[i], b->lines[i + 1], LINE);
		memcpy(b->hashes[i], b->hashes[i + 1], 32);
		memcpy(b->notes[i], b->notes[i + 1], NOTE);
		memcpy(b->signatures[i], b->signatures[i + 1], SIGN_ED25519_BYTES);
		b->seqs[i] = b->seqs[i + 1];
		b->head_seqs[i] = b->head_seqs[i + 1];
		b->has_head[i] = b->has_head[i + 1];
	}
	b->n--;
}
static void remove_entry(struct book *b)
{
	cut_out(b, 4);
}
static void remove_first(struct book *b)
{
	cut_out(b, 0);
}
static void double_entry(struct book *b)
{
	memcpy(b->lines[5], b->lines[4], LINE);
	b->seqs[5] = b->seqs[4];
	b->has_head[4] = false;
}
static void swap_entries(struct book *b)
{
	char line[LINE];

	memcpy(line, b->lines[4], LINE);
	memcpy(b->lines[4], b->lines[5], LINE);
	memcpy(b->lines[5], line, LINE);
	b->seqs[4] = 6;
	b->seqs[5] = 5;
}
static void old_entry(struct book *b)
{
	memcpy(b->lines[5], b->lines[1], LINE);
	b->seqs[5] = 2;
}
static void other_number(struct book *b)
{
	b->lines[4][strlen("{\"name\":\"x\",\"seq\":")] = '9';
	write_on(b, 4, 0);
}
static void space(struct book *b)
{
	(void)strcat(b->lines[4], " ");
	write_on(b, 4, 0);
}
static void truncate_entries(struct book *b)
{
	/* the last head is still there */
	memcpy(b->notes[5], b->notes[ENTRIES - 1], NOTE);
	memcpy(b->signatures[5], b->signatures[ENTRIES - 1], SIGN_ED25519_BYTES);
	b->head_seqs[5] = ENTRIES;
	b->n = 6;
}
static void without_signature(struct book *b)
{
	b->has_head[ENTRIES - 1] = b->has_head[ENTRIES - 2] = false;
}
static void without_any(struct book *b)
{
	memset(b->has_head, 0, sizeof(b->has_head));
}
static void other_key(struct book *b)
{
	write_on(b, 5, 2);
}
static void forged_key_id(struct book *b)
{
	write_on(b, 5, 2);
	memcpy(b->notes[5] + strlen(b->notes[5]) - 9, publics[0].id, 8);
}
static void edited_head(struct book *b)
{
	*strchr(b->notes[5], 'T') = 'U';
}
static void edited_signature(struct book *b)
{
	b->signatures[5][3] ^= 1;
}
static void head_of_another(struct book *b)
{
	memcpy(b->notes[5], b->notes[4], NOTE);
	memcpy(b->signatures[5], b->signatures[4], SIGN_ED25519_BYTES);
}
static void head_of_another_with_number(struct book *b)
{
	head_of_another(b);
	b->head_seqs[5] = 5;
}
static void head_of_other_hash(struct book *b)
{
	uint8_t hash[32];

	memcpy(hash, b->hashes[5], 32);
	b->hashes[5][0] ^= 1;
	sign_head(b, 5, keys[0]);
	memcpy(b->hashes[5], hash, 32);
}
static void head_form(struct book *b)
{
	(void)strcat(b->notes[5], "\n");
}

static const struct damage {
	void (*damage)(struct book *book);
	enum verify_fault fault;
	uint64_t bad;
	uint64_t other;
	const char *text;
	bool lenient_too; /* found by the daemon in its own record, too */
} damages[] = {
	{edit_line, VERIFY_LINE, 5, 0,
	 "entry 5 was changed: its line does not give the hash that "
	 "the next goes on from",
	 true},
	{edit_line_without_head, VERIFY_LINE, 5, 0, NULL, true},
	{edit_last_line, VERIFY_LINE, 8, 0, NULL, true},
	{edit_hash, VERIFY_HASH, 5, 0,
	 "entry 5 has a wrong hash beside it; its line is the one that "
	 "was chained",
	 true},
	{edit_hash_before_head, VERIFY_HASH, 5, 0, NULL, true},
	{edit_last_hash, VERIFY_LINE, 8, 0, NULL, true},
	{edit_line_and_hash, VERIFY_LINE, 6, 0, NULL, true},
	{remove_entry, VERIFY_MISSING, 5, 6, "entry 5 is missing: the next that is there is 6",
	 true},
	{remove_first, VERIFY_MISSING, 1, 2, NULL, true},
	{double_entry, VERIFY_TWICE, 5, 5, "entry 5 is there twice", true},
	{swap_entries, VERIFY_MISSING, 5, 6, NULL, true},
	{old_entry, VERIFY_ORDER, 2, 5, "entry 2 comes again, behind entry 5", true},
	{other_number, VERIFY_NUMBER, 5, 9, "entry 5 calls itself number 9", false},
	{space, VERIFY_NOT_CANONICAL, 5, 0,
	 "entry 5 is not canonical JSON: something behind the object, at byte 43", false},
	{truncate_entries, VERIFY_TRUNCATED, 7, 8,
	 "the end is missing from entry 7 on: the head counts up to 8", true},
	{without_signature, VERIFY_UNSIGNED, 7, 8,
	 "entries 7 to 8 at the end are signed by no head", false},
	{without_any, VERIFY_UNSIGNED, 1, 8, NULL, false},
	{other_key, VERIFY_KEY_UNKNOWN, 6, 6, NULL, false},
	{forged_key_id, VERIFY_SIGNATURE, 6, 6,
	 "the head behind entry 6 was not signed by its key, or was changed since", true},
	{edited_head, VERIFY_SIGNATURE, 6, 6, NULL, true},
	{edited_signature, VERIFY_SIGNATURE, 6, 6, NULL, true},
	{head_of_another, VERIFY_HEAD_NUMBER, 6, 5, "the head behind entry 6 is that of entry 5",
	 true},
	{head_of_another_with_number, VERIFY_HEAD_NUMBER, 6, 5, NULL, true},
	{head_of_other_hash, VERIFY_HEAD_HASH, 6, 6, NULL, true},
	{head_form, VERIFY_HEAD_FORM, 6, 0, "the head behind entry 6 is no head of five lines",
	 true},
};

static void test_damages(void **state)
{
	char text[VERIFY_TEXT_MAX];
	struct book book;
	struct verify v;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
		const struct damage *d = &damages[i];

		make(&book, 1);
		d->damage(&book);
		assert_false(look(&book, &v, NULL, VERIFY_WHOLE, 0, 1));
		verify_text(&v, text);
		if (v.fault != d->fault || v.bad != d->bad || v.other != d->other)
			fail_msg("row %zu: %s (%s), other %llu", i, text,
				 verify_fault_text(v.fault), (unsigned long long)v.other);
		if (d->text)
			assert_string_equal(text, d->text);
		/* nothing that follows makes it good again */
		assert_false(verify_end(&v));
		assert_int_equal(look(&book, &v, NULL, VERIFY_WHOLE | VERIFY_LENIENT, 0, 1),
				 !d->lenient_too);
	}
}

/* what a record keeps beside a line, to find it by, is no hash's: it is held against the line */
static void test_kept(void **state)
{
	static const char line[] = "{\"incident\":\"a-liquid-1\",\"seq\":1,"
				   "\"time\":\"2026-11-28T10:00:00.500+07:00\","
				   "\"type\":\"record.created\"}";
	static const char plain[] = "{\"seq\":1,\"time\":\"2026-11-28T10:00:00.500+07:00\","
				    "\"type\":\"record.created\"}";
	static const char long_time[] = "{\"seq\":1,\"time\":\"2026-11-28T10:00:00.500+07:00"
					"                         \",\"type\":\"record.created\"}";
	static const char timeless[] = "{\"seq\":1,\"type\":\"record.created\"}";
	const int64_t t = INT64_C(1795834800500);
	const struct {
		const char *line;
		struct verify_kept kept;
		bool good;
	} rows[] = {
		{line, {t, "record.created", "a-liquid-1"}, true},
		{line, {t + 1, "record.created", "a-liquid-1"}, false},
		{line, {t, "record.createe", "a-liquid-1"}, false},
		{line, {t, "record", "a-liquid-1"}, false},
		{line, {t, "record.created", "a-liquid-2"}, false},
		{line, {t, "record.created", ""}, false},
		{plain, {t, "record.created", ""}, true},
		{plain, {t, "record.created", "a-liquid-1"}, false},
		{timeless, {t, "record.created", ""}, false},
		{long_time, {t, "record.created", ""}, false},
	};
	char text[VERIFY_TEXT_MAX];
	struct verify v;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct verify_entry entry = {1, rows[i].line, strlen(rows[i].line), NULL,
					     &rows[i].kept};

		verify_begin(&v, NULL, VERIFY_WHOLE);
		verify_entry(&v, &entry);
		assert_int_equal(v.fault, rows[i].good ? VERIFY_GOOD : VERIFY_KEPT);
		verify_text(&v, text);
		if (!rows[i].good)
			assert_string_equal(text, "entry 1 is kept under another time, type or "
						  "incident than its line says");
		verify_begin(&v, NULL, VERIFY_WHOLE | VERIFY_LENIENT);
		verify_entry(&v, &entry);
		assert_int_equal(v.fault, VERIFY_GOOD);
	}
}

static void test_words(void **state)
{
	char text[VERIFY_TEXT_MAX], other[VERIFY_TEXT_MAX];
	struct verify v = {.what = "why", .key_id = "0123abcd"};

	(void)state;
	for (int i = 1; i <= VERIFY_FAULT_MAX; i++) {
		v.fault = (enum verify_fault)i;
		verify_text(&v, text);
		assert_int_equal(strstr(text, v.key_id) != NULL,
				 v.fault == VERIFY_KEY_UNKNOWN || v.fault == VERIFY_KEY_RETIRED);
		for (int k = 0; k < i; k++) {
			v.fault = (enum verify_fault)k;
			verify_text(&v, other);
			assert_string_not_equal(text, other);
			assert_string_not_equal(verify_fault_text((enum verify_fault)i),
						verify_fault_text((enum verify_fault)k));
		}
	}
}

static void test_damaged_exports(void **state)
{
	static const struct {
		void (*damage)(struct book *book);
		enum verify_fault fault;
	} rows[] = {
		{edit_line, VERIFY_HEAD_HASH},	 {remove_entry, VERIFY_MISSING},
		{double_entry, VERIFY_TWICE},	 {swap_entries, VERIFY_MISSING},
		{old_entry, VERIFY_ORDER},	 {truncate_entries, VERIFY_TRUNCATED},
		{other_key, VERIFY_KEY_UNKNOWN}, {other_number, VERIFY_MISSING},
		{space, VERIFY_NOT_CANONICAL},	 {remove_first, VERIFY_HEAD_HASH},
	};
	struct book book;
	struct verify v;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		make(&book, 1);
		rows[i].damage(&book);
		assert_false(look_at_export(&book, &v));
		if (v.fault != rows[i].fault)
			fail_msg("row %zu: %s", i, verify_fault_text(v.fault));
	}
}

/* --- lines and heads that are none -------------------------------------------------- */

static void test_lines_without_a_number(void **state)
{
	static const struct {
		const char *line;
		enum verify_fault fault;
	} rows[] = {
		{"{\"type\":\"x\"}", VERIFY_NUMBER},	{"{\"seq\":0}", VERIFY_NUMBER},
		{"{\"seq\":-3}", VERIFY_NUMBER},	{"{\"seq\":\"3\"}", VERIFY_NUMBER},
		{"{\"seq\":3,}", VERIFY_NOT_CANONICAL}, {"", VERIFY_NOT_CANONICAL},
	};
	const struct chain any = {.seq = VERIFY_ANY};
	struct verify v;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (int first = 0; first < 2; first++) {
			verify_begin(&v, first ? &any : NULL, 0);
			verify_entry(&v, &(struct verify_entry){VERIFY_ANY, rows[i].line,
								strlen(rows[i].line), NULL, NULL});
			assert_int_equal(v.fault, rows[i].fault);
			assert_int_equal(v.bad, rows[i].line[0] && rows[i].line[8] == ',' ? 3 : 1);
		}
	assert_int_equal(verify_number("{\"seq\":17}", 10), 17);
	assert_int_equal(verify_number("x", 1), 0);
}

/* the hash ends there, so what stands behind could say anything */
static void test_nul_in_a_line(void **state)
{
	struct verify v;

	(void)state;
	for (unsigned mode = 0; mode <= VERIFY_LENIENT; mode += VERIFY_LENIENT) {
		verify_begin(&v, NULL, mode);
		verify_entry(&v,
			     &(struct verify_entry){1, "{\"seq\":1}\0{\"seq\":1}", 19, NULL, NULL});
		assert_int_equal(v.fault, VERIFY_NOT_CANONICAL);
		assert_int_equal(v.bad, 1);
	}
}

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

static void test_notes(void **state)
{
	static const struct {
		const char *note;
		int r;
	} rows[] = {
		{"o\n1\n" ZEROS "\nt\nk\n", 0},
		{"o\n9007199254740991\n" ZEROS "\nt\n01234567\n", 0},
		{"", -EBADMSG},
		{"o\n1\n" ZEROS "\nt\nk", -EBADMSG},
		{"o\n1\n" ZEROS "\nt\n", -EBADMSG},
		{"o\n1\n" ZEROS "\nt\nk\nx\n", -EBADMSG},
		{"\n1\n" ZEROS "\nt\nk\n", -EBADMSG},
		{"o\n0\n" ZEROS "\nt\nk\n", -EBADMSG},
		{"o\n01\n" ZEROS "\nt\nk\n", -EBADMSG},
		{"o\n-1\n" ZEROS "\nt\nk\n", -EBADMSG},
		{"o\n1:\n" ZEROS "\nt\nk\n", -EBADMSG},
		{"o\n9007199254740992\n" ZEROS "\nt\nk\n", -EBADMSG},
		{"o\n9007199254740993999\n" ZEROS "\nt\nk\n", -EBADMSG},
		{"o\n1\n0" ZEROS "\nt\nk\n", -EBADMSG},
		{"o\n1\nAA\nt\nk\n", -EBADMSG},
		{"o\n1\n" ZEROS "\nt\n012345678\n", -EBADMSG},
	};
	struct verify_note note;
	uint8_t hash[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(verify_note_read(rows[i].note, &note), rows[i].r);
	assert_int_equal(verify_hash_read(ZEROS "0", hash), -EBADMSG);
	assert_int_equal(verify_hash_read(ZEROS "x", hash), -EBADMSG);
	assert_int_equal(verify_hash_read(ZEROS, hash), 0);
}

/* --- keys -------------------------------------------------------------------------- */

static void test_rotation(void **state)
{
	struct book book;
	struct verify v;

	(void)state;
	make_rotated(&book, keys[0]);
	assert_true(look(&book, &v, NULL, VERIFY_WHOLE, 0, 1)); /* from the old one to the new */
	assert_string_equal(v.key_id, publics[1].id);
	assert_true(look(&book, &v, NULL, VERIFY_WHOLE, 0, 2));
	assert_false(look(&book, &v, NULL, VERIFY_WHOLE, 1, 1)); /* but not back */
	assert_int_equal(v.fault, VERIFY_KEY_UNKNOWN);
	assert_int_equal(v.bad, 1);
	assert_true(look(&book, &v, NULL, VERIFY_WHOLE | VERIFY_LENIENT, 1, 1));
	assert_int_equal(v.n_unknown, 4); /* three heads, and the new key */
	/* the old key signs again: whoever stole it */
	write_on(&book, 6, 0);
	assert_false(look(&book, &v, NULL, VERIFY_WHOLE, 0, 1));
	assert_int_equal(v.fault, VERIFY_KEY_RETIRED);
	assert_int_equal(v.bad, 7);
	assert_string_equal(v.key_id, publics[0].id);
	/* and vouches for a third one */
	make_rotated(&book, keys[0]);
	rotation_line(book.lines[6], 7, 0, 2, keys[0]);
	write_on(&book, 6, 2);
	assert_false(look(&book, &v, NULL, VERIFY_WHOLE, 0, 1));
	assert_int_equal(v.fault, VERIFY_ROTATION);
	assert_int_equal(v.bad, 7);
	/* one and the same key once more is no harm */
	make_rotated(&book, keys[0]);
	rotation_line(book.lines[6], 7, 1, 1, keys[1]);
	write_on(&book, 6, 1);
	assert_false(look(&book, &v, NULL, VERIFY_WHOLE, 0, 1)); /* it has retired itself */
	assert_int_equal(v.fault, VERIFY_KEY_RETIRED);
}

static void test_rotation_without_a_word(void **state)
{
	struct book book;
	struct verify v;

	(void)state;
	for (int signer = -1; signer < 3; signer++) {
		if (signer == 0)
			continue;
		make_rotated(&book, signer < 0 ? NULL : keys[signer]);
		assert_false(look(&book, &v, NULL, VERIFY_WHOLE, 0, 1));
		assert_int_equal(v.fault, VERIFY_ROTATION);
		assert_int_equal(v.bad, 4);
		/* the daemon knows the new one, and goes on */
		assert_true(look(&book, &v, NULL, VERIFY_WHOLE | VERIFY_LENIENT, 0, 2));
		assert_int_equal(v.n_unknown, 1);
	}
}

/* whoever trusts the new one needs not the old one's word */
static void test_rotation_to_a_given_key(void **state)
{
	struct book book;
	struct verify v;

	(void)state;
	make_rotated(&book, keys[2]);
	memset(book.has_head, 0, 3);
	assert_true(look(&book, &v, NULL, VERIFY_WHOLE, 1, 1));
	assert_int_equal(v.n_heads, ENTRIES - 3);
}

/* both are trusted, the new one without the old one's word: the old one is replaced all the same */
static void test_rotation_between_given_keys(void **state)
{
	struct book book;
	struct verify v;

	(void)state;
	make_rotated(&book, keys[2]);
	assert_true(look(&book, &v, NULL, VERIFY_WHOLE, 0, 2));
	write_on(&book, 6, 0);
	assert_false(look(&book, &v, NULL, VERIFY_WHOLE, 0, 2));
	assert_int_equal(v.fault, VERIFY_KEY_RETIRED);
	assert_int_equal(v.bad, 7);
	/* one that the record itself has named is none that the caller vouches for */
	make_rotated(&book, keys[0]);
	rotation_line(book.lines[6], 7, 2, 1, keys[2]);
	write_on(&book, 6, 1);
	assert_false(look(&book, &v, NULL, VERIFY_WHOLE, 0, 1));
	assert_int_equal(v.fault, VERIFY_ROTATION);
	assert_int_equal(v.bad, 7);
}

/* as look(), knowing the key @given, and what @line says of the one before it */
static bool look_back(const struct book *book, struct verify *v, size_t given, const char *line)
{
	verify_begin(v, NULL, VERIFY_WHOLE);
	assert_int_equal(verify_trust(v, &publics[given]), 0);
	verify_trust_former(v, line, strlen(line));
	for (size_t i = 0; i < book->n; i++) {
		verify_entry(v,
			     &(struct verify_entry){book->seqs[i], book->lines[i],
						    strlen(book->lines[i]), book->hashes[i], NULL});
		if (book->has_head[i])
			verify_head(v, &(struct verify_head){book->head_seqs[i], book->notes[i],
							     book->signatures[i]});
	}
	return verify_end(v);
}

static void test_former_keys(void **state)
{
	struct book book;
	struct verify v;
	char public[SIGN_PUBLIC_TEXT], lines[4][LINE];

	(void)state;
	make_rotated(&book, keys[0]);
	assert_true(look_back(&book, &v, 1, book.lines[3]));
	assert_int_equal(v.former_seq, 4);
	assert_int_equal(v.solid_seq, ENTRIES);
	/* who knows the later key only has to see that it has signed what lies behind */
	book.n = 4;
	book.has_head[3] = false;
	assert_false(look_back(&book, &v, 1, book.lines[3]));
	assert_int_equal(v.fault, VERIFY_ROTATION);
	assert_int_equal(v.bad, 4);
	/* lines that make no key a former one */
	make_rotated(&book, keys[0]);
	sign_public_text(&publics[1], public);
	rotation_line(lines[0], 4, 0, 1, keys[2]);
	(void)snprintf(lines[1], LINE, "{\"public_key\":\"%s\",\"type\":\"key.rotated\"}", public);
	(void)snprintf(lines[2], LINE, "{\"seq\":4,\"type\":\"key.rotated\"}");
	(void)snprintf(lines[3], LINE, "{\"public_key\":\"%s\",\"type\":\"core.started\"}", public);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		assert_false(look_back(&book, &v, 1, lines[i]));
		assert_int_equal(v.fault, VERIFY_KEY_UNKNOWN);
		assert_int_equal(v.bad, 1);
	}
	/* of a key that nobody vouches for */
	assert_false(look_back(&book, &v, 2, book.lines[3]));
	assert_int_equal(v.fault, VERIFY_KEY_UNKNOWN);
}

/* the record says now and then how many heads it has: none may be taken out of its middle */
static void test_heads_are_counted(void **state)
{
	static const struct {
		const char *heads;
		unsigned mode;
		enum verify_fault fault;
	} rows[] = {
		{"4", VERIFY_HEADS, VERIFY_GOOD},
		{"5", VERIFY_HEADS, VERIFY_HEAD_MISSING},
		{"5", 0, VERIFY_GOOD},
		{"-1", VERIFY_HEADS, VERIFY_GOOD},
		{"\"5\"", VERIFY_HEADS, VERIFY_GOOD},
	};
	struct book book;
	struct verify v;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		make(&book, 1);
		(void)snprintf(book.lines[4], LINE,
			       "{\"heads\":%s,\"seq\":5,\"type\":\"record.verified\"}",
			       rows[i].heads);
		write_on(&book, 4, 0);
		assert_int_equal(look(&book, &v, NULL, VERIFY_WHOLE | rows[i].mode, 0, 1),
				 rows[i].fault == VERIFY_GOOD);
		assert_int_equal(v.fault, rows[i].fault);
		assert_int_equal(v.bad, rows[i].fault ? 5 : 0);
	}
}

/* what the entries say of reports is handed on; one without a type says nothing of them */
static void test_reports_are_handed_on(void **state)
{
	static const char *const lines[] = {
		"{\"seq\":1}",
		("{\"bodies\":[{\"report\":\"0123456789abcdef-1-x\"}],\"seq\":2,"
		 "\"type\":\"reports.fixed\"}"),
		"{\"report\":\"0123456789abcdef-1-x\",\"seq\":3,\"type\":\"report.delivered\"}",
	};
	static const uint64_t left[] = {0, 2, 0};
	struct verify_reports reports = {0};
	struct verify v;

	(void)state;
	verify_begin(&v, NULL, VERIFY_WHOLE);
	v.reports = &reports;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		verify_entry(&v,
			     &(struct verify_entry){i + 1, lines[i], strlen(lines[i]), NULL, NULL});
		assert_int_equal(v.fault, VERIFY_GOOD);
		assert_int_equal(verify_reports_left(&reports), left[i]);
	}
	verify_reports_done(&reports);
}

static void test_the_first_fault_counts(void **state)
{
	struct verify v;

	(void)state;
	verify_begin(&v, NULL, VERIFY_WHOLE);
	verify_fail(&v, VERIFY_REPORT, 3);
	verify_fail(&v, VERIFY_FAILED, 5);
	assert_int_equal(v.fault, VERIFY_REPORT);
	assert_int_equal(v.bad, 3);
	assert_false(verify_end(&v));
}

/* texts of the entry that are missing, too long, or nothing of the sort */
static void test_rotations_that_say_nothing(void **state)
{
	static const char *const changes[] = {"\"origin\":\"o\"", "\"public_key\":\"whpk",
					      "\"old_public_key\":\"whpk", "\"signature\":\""};
	struct book book;
	struct verify v;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		char *at;

		make_rotated(&book, keys[0]);
		at = strstr(book.lines[3], changes[i]);
		assert_non_null(at);
		if (i == 1) /* it is part of the other */
			at = strstr(book.lines[3], ",\"public_key\":\"whpk") + 1;
		at[strlen(changes[i]) - 2] ^= 1;
		write_on(&book, 3, 1);
		assert_false(look(&book, &v, NULL, VERIFY_WHOLE, 0, 1));
		if (v.fault != VERIFY_ROTATION && v.fault != VERIFY_NOT_CANONICAL)
			fail_msg("row %zu: %s", i, verify_fault_text(v.fault));
	}
	make(&book, 1);
	(void)snprintf(book.lines[3], LINE, "{\"seq\":4,\"type\":\"key.rotated\"}");
	write_on(&book, 3, 0);
	assert_false(look(&book, &v, NULL, VERIFY_WHOLE, 0, 1));
	assert_int_equal(v.fault, VERIFY_ROTATION);
}

static void test_rotation_with_bad_texts(void **state)
{
	static const struct {
		const char *origin, *signature;
	} rows[] = {
		{NULL, "x"}, /* no origin */
		{"o", NULL}, /* no signature */
		{"o", "x"},  /* no base64 */
		{"0123456789012345678901234567890123456789012345678901234567890123456789", "x"},
	};
	struct book book;
	struct verify v;
	char old[SIGN_PUBLIC_TEXT], new[SIGN_PUBLIC_TEXT];

	(void)state;
	sign_public_text(&publics[0], old);
	sign_public_text(&publics[1], new);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char origin[120] = "", signature[120] = "";

		if (rows[i].origin)
			(void)snprintf(origin, sizeof(origin), ",\"origin\":\"%s\"",
				       rows[i].origin);
		if (rows[i].signature)
			(void)snprintf(signature, sizeof(signature), ",\"signature\":\"%s\"",
				       rows[i].signature);
		make(&book, 1);
		(void)snprintf(book.lines[3], LINE,
			       "{\"old_public_key\":\"%s\"%s,\"public_key\":\"%s\",\"seq\":4%s,"
			       "\"type\":\"key.rotated\"}",
			       old, origin, new, "");
		if (*signature)
			(void)snprintf(
				book.lines[3], LINE,
				"{\"old_public_key\":\"%s\"%s,\"public_key\":\"%s\",\"seq\":4"
				"%s,\"type\":\"key.rotated\"}",
				old, origin, new, signature);
		write_on(&book, 3, 1);
		assert_false(look(&book, &v, NULL, VERIFY_WHOLE, 0, 1));
		assert_int_equal(v.fault, VERIFY_ROTATION);
	}
	{
		char text[VERIFY_ROTATION_MAX], long_name[400];

		memset(long_name, 'x', sizeof(long_name) - 1);
		long_name[sizeof(long_name) - 1] = '\0';
		assert_int_equal(verify_rotation(long_name, old, new, text),
				 VERIFY_ROTATION_MAX - 1);
	}
}

static void test_named_keys(void **state)
{
	static const struct {
		const char *type;
		int r;
	} rows[] = {{"record.created", 1},
		    {"core.started", 1},
		    {"key.rotated", 1},
		    {"core.stopped", 0},
		    {"core", 0}};
	char line[LINE], text[SIGN_PUBLIC_TEXT];
	struct sign_public key;

	(void)state;
	sign_public_text(&publics[2], text);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		(void)snprintf(line, sizeof(line),
			       "{\"public_key\":\"%s\",\"seq\":1,\"type\":\"%s\"}", text,
			       rows[i].type);
		assert_int_equal(verify_key_named(line, strlen(line), &key), rows[i].r);
		assert_true(!rows[i].r || strcmp(key.id, publics[2].id) == 0);
	}
	(void)snprintf(line, sizeof(line), "{\"type\":\"core.started\"}");
	assert_int_equal(verify_key_named(line, strlen(line), &key), 0);
	(void)snprintf(line, sizeof(line), "{\"public_key\":5,\"type\":\"core.started\"}");
	assert_int_equal(verify_key_named(line, strlen(line), &key), 0);
}

static void test_too_many_keys(void **state)
{
	struct sign_public key = publics[0];
	struct book book;
	struct verify v;

	(void)state;
	make_rotated(&book, keys[0]);
	verify_begin(&v, NULL, VERIFY_WHOLE);
	assert_int_equal(verify_trust(&v, &key), 0);
	for (int i = 1; i < VERIFY_KEYS_MAX; i++) {
		(void)snprintf(key.id, sizeof(key.id), "%08d", i);
		assert_int_equal(verify_trust(&v, &key), 0);
	}
	assert_int_equal(verify_trust(&v, &key), 0); /* that one is there */
	(void)snprintf(key.id, sizeof(key.id), "other");
	assert_int_equal(verify_trust(&v, &key), -ENOSPC);
	for (size_t i = 0; i < 4; i++)
		verify_entry(&v, &(struct verify_entry){i + 1, book.lines[i], strlen(book.lines[i]),
							book.hashes[i], NULL});
	assert_int_equal(v.fault, VERIFY_FAILED);
}

static void test_without_signature_bytes(void **state)
{
	struct book book;
	struct verify v;

	(void)state;
	make(&book, 1);
	verify_begin(&v, NULL, VERIFY_WHOLE);
	assert_int_equal(verify_trust(&v, &publics[0]), 0);
	verify_entry(&v,
		     &(struct verify_entry){1, book.lines[0], strlen(book.lines[0]), NULL, NULL});
	verify_head(&v, &(struct verify_head){1, book.notes[0], NULL});
	assert_int_equal(v.fault, VERIFY_SIGNATURE);
}

static void test_out_of_memory(void **state)
{
	struct book book;
	struct verify v;

	(void)state;
	make(&book, 1);
	verify_begin(&v, NULL, VERIFY_WHOLE);
	no_memory = true;
	verify_entry(&v,
		     &(struct verify_entry){1, book.lines[0], strlen(book.lines[0]), NULL, NULL});
	no_memory = false;
	assert_int_equal(v.fault, VERIFY_FAILED);
	/* while it is in doubt which of two is wrong */
	verify_begin(&v, NULL, VERIFY_WHOLE);
	verify_entry(&v, &(struct verify_entry){1, book.lines[0], strlen(book.lines[0]),
						book.hashes[1], NULL});
	no_memory = true;
	verify_entry(&v, &(struct verify_entry){2, book.lines[1], strlen(book.lines[1]),
						book.hashes[1], NULL});
	no_memory = false;
	assert_int_equal(v.fault, VERIFY_LINE);
	/* no hash beside the one that would tell */
	verify_begin(&v, NULL, VERIFY_WHOLE);
	verify_entry(&v, &(struct verify_entry){1, book.lines[0], strlen(book.lines[0]),
						book.hashes[1], NULL});
	verify_entry(&v,
		     &(struct verify_entry){2, book.lines[1], strlen(book.lines[1]), NULL, NULL});
	assert_int_equal(v.fault, VERIFY_LINE);
}

/* every byte of lines, hashes, notes and signatures, each changed: always found, never a crash */
static void test_every_byte(void **state)
{
	static struct book good, bad;
	struct verify v;
	size_t n = 0;

	(void)state;
	make_rotated(&good, keys[0]);
	assert_true(look(&good, &v, NULL, VERIFY_WHOLE, 0, 1));
	for (size_t i = 0; i < ENTRIES; i++) {
		const struct {
			size_t place, size;
		} parts[] = {
			{offsetof(struct book, lines) + i * LINE, strlen(good.lines[i])},
			{offsetof(struct book, hashes) + i * 32, 32},
			{offsetof(struct book, notes) + i * NOTE, strlen(good.notes[i])},
			{offsetof(struct book, signatures) + i * SIGN_ED25519_BYTES,
			 SIGN_ED25519_BYTES},
			{offsetof(struct book, seqs) + i * sizeof(uint64_t), sizeof(uint64_t)},
			{offsetof(struct book, head_seqs) + i * sizeof(uint64_t), sizeof(uint64_t)},
		};

		for (size_t k = 0; k < ARRAY_SIZE(parts); k++)
			for (size_t j = 0; j < parts[k].size; j++) {
				bad = good;
				((char *)&bad)[parts[k].place + j] ^= (char)(1 << (n++ % 8));
				if (look(&bad, &v, NULL, VERIFY_WHOLE, 0, 1))
					fail_msg("entry %zu, part %zu, byte %zu", i + 1, k, j);
				assert_true(v.bad >= 1 && v.fault);
			}
	}
	assert_true(n > 2000);
}

/* --- public keys ------------------------------------------------------------------- */

static void test_public_texts(void **state)
{
	static const struct {
		const char *text;
		int r;
	} rows[] = {
		{"whpk_", -EINVAL},
		{"whpk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", -EINVAL},
		{"whpk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=", -EINVAL},
		{"whpk_AAAAAAAAAAAAAAAAAAAAA*AAAAAAAAAAAAAAAAAAAAA=", -EINVAL},
		{" \t\r\nwhpk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\t ", 0},
		{"", -EINVAL},
		{" ", -EINVAL},
		{"-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n", -EINVAL},
		{"-----BEGIN PUBLIC KEY-----\n"
		 "MCowBQYDK2VwAyEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
		 "-----END PUBLIC KEY-----\n",
		 0},
		{"-----BEGIN PUBLIC KEY-----\n"
		 "MCowBQYDK2VuAyEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n" /* X25519 */
		 "-----END PUBLIC KEY-----\n",
		 -EINVAL},
		{"-----BEGIN PUBLIC KEY-----\n"
		 "MCowBQYDK2VwAyEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
		 "-----END PUBLIC KEY----\n",
		 -EINVAL},
		{"-----BEGIN PUBLIC KEY-----\n"
		 "MCowBQYDK2VwAyEAAAAA\n"
		 "-----END PUBLIC KEY-----\n",
		 -EINVAL},
	};
	struct sign_public key, again;
	char text[SIGN_PUBLIC_TEXT], pem[SIGN_PEM_TEXT], id[SIGN_KEY_ID_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (sign_public_load(&key, rows[i].text, strlen(rows[i].text)) != rows[i].r)
			fail_msg("%s", rows[i].text);
	for (size_t i = 0; i < 3; i++) {
		sign_public_text(&publics[i], text);
		assert_int_equal(sign_key_id(keys[i], id), 0);
		assert_string_equal(publics[i].id, id);
		sign_public_pem(&publics[i], pem);
		assert_int_equal(sign_public_load(&again, pem, strlen(pem)), 0);
		assert_memory_equal(&again, &publics[i], sizeof(again));
	}
	assert_int_equal(
		sign_public_load(&key, "whpk_AAAAAAAAAAAAAAAAAAAAA\0AAAAAAAAAAAAAAAAAAAAA=", 49),
		-EINVAL);
	no_memory = true;
	assert_int_equal(sign_public_load(&key, text, strlen(text)), -ENOMEM);
	assert_false(sign_public_verify(&publics[0], "x", 1, (uint8_t[SIGN_ED25519_BYTES]){0}));
	no_memory = false;
}

static void test_signatures(void **state)
{
	uint8_t signature[SIGN_ED25519_BYTES], again[SIGN_ED25519_BYTES];
	char text[SIGN_SIGNATURE_TEXT];

	(void)state;
	assert_int_equal(sign_bytes(keys[0], "abc", 3, signature), 0);
	assert_true(sign_public_verify(&publics[0], "abc", 3, signature));
	assert_false(sign_public_verify(&publics[1], "abc", 3, signature));
	assert_false(sign_public_verify(&publics[0], "abd", 3, signature));
	for (long n = 1;; n++) { /* the n-th allocation and all after it fail */
		bool good;

		allowed = n;
		good = sign_public_verify(&publics[0], "abc", 3, signature);
		allowed = -1;
		if (good)
			break;
		assert_true(n < 1000);
	}
	sign_signature_text(signature, text);
	assert_int_equal(sign_signature_load(again, text, strlen(text)), 0);
	assert_memory_equal(again, signature, sizeof(again));
	assert_int_equal(sign_signature_load(again, text, strlen(text) - 1), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_from_the_middle),
		cmocka_unit_test(test_damages),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_damaged_exports),
		cmocka_unit_test(test_lines_without_a_number),
		cmocka_unit_test(test_nul_in_a_line),
		cmocka_unit_test(test_notes),
		cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_rotation_without_a_word),
		cmocka_unit_test(test_rotation_to_a_given_key),
		cmocka_unit_test(test_rotation_between_given_keys),
		cmocka_unit_test(test_former_keys),
		cmocka_unit_test(test_heads_are_counted),
		cmocka_unit_test(test_reports_are_handed_on),
		cmocka_unit_test(test_the_first_fault_counts),
		cmocka_unit_test(test_rotations_that_say_nothing),
		cmocka_unit_test(test_rotation_with_bad_texts),
		cmocka_unit_test(test_named_keys),
		cmocka_unit_test(test_too_many_keys),
		cmocka_unit_test(test_without_signature_bytes),
		cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_public_texts),
		cmocka_unit_test(test_signatures),
	};

	if (CRYPTO_set_mem_functions(maybe_malloc, maybe_realloc, give_back) != 1)
		return 1; /* before libcrypto has asked for any */
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
