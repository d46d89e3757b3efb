/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/canon.h"
#include "core/verify.h"

static void fail(struct verify *v, enum verify_fault fault, uint64_t bad, uint64_t other)
{
	v->fault = fault;
	v->bad = bad;
	v->other = other;
}

void verify_begin(struct verify *v, const struct chain *before, unsigned mode)
{
	*v = (struct verify){.mode = mode};
	if (before)
		v->chain = *before;
}

static struct verify_key *key_of(struct verify *v, const char *id)
{
	for (size_t i = 0; i < v->n_keys; i++)
		if (strcmp(v->keys[i].key.id, id) == 0)
			return &v->keys[i];
	return NULL;
}

static int add_key(struct verify *v, struct verify_key key)
{
	if (key_of(v, key.key.id))
		return 0;
	if (v->n_keys == VERIFY_KEYS_MAX)
		return -ENOSPC;
	v->keys[v->n_keys++] = key;
	return 0;
}

int verify_trust(struct verify *v, const struct sign_public *key)
{
	return add_key(v, (struct verify_key){.key = *key, .given = true});
}

/* --- an entry's line --------------------------------------------------------------- */

/* what of a line counts here; texts are the line's */
struct content {
	uint64_t seq;
	int64_t heads;
	struct canon_value time, type, incident, origin, public_key, old_public_key, signature;
};

static void take(void *userdata, const struct canon_value *value)
{
	struct content *content = userdata;
	const struct {
		const char *key;
		struct canon_value *place;
	} texts[] = {
		{"time", &content->time},
		{"type", &content->type},
		{"incident", &content->incident},
		{"origin", &content->origin},
		{"public_key", &content->public_key},
		{"old_public_key", &content->old_public_key},
		{"signature", &content->signature},
	};

	if (canon_is(value, "seq") && value->kind == CANON_INTEGER && value->integer > 0)
		content->seq = (uint64_t)value->integer;
	if (canon_is(value, "heads") && value->kind == CANON_INTEGER)
		content->heads = value->integer;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (canon_is(value, texts[i].key) && value->kind == CANON_TEXT)
			*texts[i].place = *value;
}

static bool is_text(const struct canon_value *value, const char *text)
{
	return value->text && value->n_text == strlen(text) &&
	       memcmp(value->text, text, value->n_text) == 0;
}

static bool names_key(const struct content *content)
{
	return is_text(&content->type, "record.created") ||
	       is_text(&content->type, "core.started") || is_text(&content->type, "key.rotated");
}

static bool load_key(const struct canon_value *value, struct sign_public *ret)
{
	return value->text && sign_public_load(ret, value->text, value->n_text) == 0;
}

int verify_key_named(const char *line, size_t n, struct sign_public *ret)
{
	struct content content = {0};
	struct canon_error error;

	(void)canon_read(line, n, take, &content,
			 &error); /* what is wrong with it is found later */
	return names_key(&content) && load_key(&content.public_key, ret);
}

uint64_t verify_number(const char *line, size_t n)
{
	struct content content = {0};
	struct canon_error error;

	(void)canon_read(line, n, take, &content, &error); /* as above */
	return content.seq;
}

/* --- keys -------------------------------------------------------------------------- */

size_t verify_rotation(const char *origin, const char *old_public, const char *new_public,
		       char ret[static VERIFY_ROTATION_MAX])
{
	int n = snprintf(ret, VERIFY_ROTATION_MAX, "wastewatch-key/1\n%s\n%s\n%s\n", origin,
			 old_public, new_public);

	return MIN((size_t)n, (size_t)VERIFY_ROTATION_MAX - 1);
}

static bool is_signed(const struct content *content, const struct sign_public *old,
		      const struct sign_public *new)
{
	char origin[VERIFY_ORIGIN_MAX], old_text[SIGN_PUBLIC_TEXT], new_text[SIGN_PUBLIC_TEXT];
	char text[VERIFY_ROTATION_MAX];
	uint8_t signature[SIGN_ED25519_BYTES];

	if (!content->origin.text || content->origin.n_text >= sizeof(origin) ||
	    !content->signature.text ||
	    sign_signature_load(signature, content->signature.text, content->signature.n_text) < 0)
		return false;
	memcpy(origin, content->origin.text, content->origin.n_text);
	origin[content->origin.n_text] = '\0';
	sign_public_text(old, old_text);
	sign_public_text(new, new_text);
	return sign_public_verify(old, text, verify_rotation(origin, old_text, new_text, text),
				  signature);
}

/* from one key to the next; what a key that nobody knows has signed says nothing */
static void rotate(struct verify *v, const struct content *content, uint64_t seq)
{
	struct sign_public old, new;
	struct verify_key *known;

	if (!load_key(&content->public_key, &new)) {
		fail(v, VERIFY_ROTATION, seq, 0);
		return;
	}
	known = load_key(&content->old_public_key, &old) ? key_of(v, old.id) : NULL;
	if (known && !known->retired && is_signed(content, &known->key, &new)) {
		known->retired = true;
		if (known->former)
			v->former_seq = seq;
		if (add_key(v, (struct verify_key){.key = new}) < 0)
			fail(v, VERIFY_FAILED, seq, 0);
	} else if (v->mode & VERIFY_LENIENT) {
		v->n_unknown++;
	} else if (!key_of(v, new.id) || !key_of(v, new.id)->given) {
		/* one that the caller vouches for needs no other's word */
		fail(v, VERIFY_ROTATION, seq, 0);
	} else if (known) {
		known->retired = true;
	}
}

void verify_trust_former(struct verify *v, const char *line, size_t n)
{
	struct content content = {0};
	struct canon_error error;
	struct sign_public old, new;
	const struct verify_key *known;

	(void)canon_read(line, n, take, &content, &error); /* found later */
	if (!is_text(&content.type, "key.rotated") || !load_key(&content.public_key, &new) ||
	    !load_key(&content.old_public_key, &old))
		return;
	known = key_of(v, new.id);
	if (known && is_signed(&content, &old, &new))
		/* without room its heads are those of a key that nobody knows */
		(void)add_key(v, (struct verify_key){.key = old, .former = true});
}

/* --- entries ----------------------------------------------------------------------- */

/* the number that comes now, and whether it is the right one */
static bool check_number(struct verify *v, uint64_t seq, const struct content *content)
{
	bool first = v->n_entries == 0;

	if (first && v->chain.seq == VERIFY_ANY)
		v->chain.seq = seq - 1;
	if (first && (v->mode & VERIFY_WHOLE) && is_text(&content->type, "record.created"))
		v->chain.seq = seq - 1; /* it goes on where one that was set aside ended */
	if (first)
		v->first_seq = seq;
	if (seq == v->chain.seq + 1)
		return true;
	if (seq > v->chain.seq)
		fail(v, VERIFY_MISSING, v->chain.seq + 1, seq);
	else
		fail(v, seq == v->chain.seq ? VERIFY_TWICE : VERIFY_ORDER, seq, v->chain.seq);
	return false;
}

/* the line that follows a hash that does not fit: which of the two does it go on from? */
static void settle(struct verify *v, const uint8_t hash[static 32])
{
	v->in_doubt = false;
	if (memcmp(hash, v->computed, sizeof(v->computed)) == 0)
		v->fault = VERIFY_HASH;
}

static void settle_by_entry(struct verify *v, const struct verify_entry *entry)
{
	uint8_t hash[32];

	if (entry->hash && chain_next(v->computed, entry->line, hash) == 0)
		settle(v, memcmp(hash, entry->hash, sizeof(hash)) == 0 ? v->computed : hash);
	v->in_doubt = false;
}

static bool check_line(struct verify *v, const struct verify_entry *entry, struct content *content)
{
	struct canon_error error;
	bool good = canon_read(entry->line, entry->n_line, take, content, &error) == 0;
	bool whole = strlen(entry->line) == entry->n_line;
	uint64_t next = v->chain.seq == VERIFY_ANY ? 1 : v->chain.seq + 1, seq = entry->seq;

	if (seq == VERIFY_ANY)
		seq = content->seq;
	/* the hash ends at a NUL, so nothing may stand behind one */
	if (!good && (!(v->mode & VERIFY_LENIENT) || !whole)) {
		fail(v, VERIFY_NOT_CANONICAL, seq ? seq : next, 0);
		v->at = error.at;
		v->what = error.what;
		return false;
	}
	if (seq == 0) {
		fail(v, VERIFY_NUMBER, next, 0);
		return false;
	}
	if (!check_number(v, seq, content))
		return false;
	if (content->seq != seq && !(v->mode & VERIFY_LENIENT)) {
		fail(v, VERIFY_NUMBER, seq, content->seq);
		return false;
	}
	return true;
}

/* people are shown, and an export is cut, by what stands beside the lines, which no hash covers */
static bool is_kept_well(const struct verify_kept *kept, const struct content *content)
{
	char time[CLOCK_TEXT_MAX] = "";
	int64_t wall_ms;

	if (content->time.text && content->time.n_text < sizeof(time))
		memcpy(time, content->time.text, content->time.n_text);
	return clock_parse(time, &wall_ms) == 0 && wall_ms == kept->time_ms &&
	       is_text(&content->type, kept->type) &&
	       (content->incident.text ? is_text(&content->incident, kept->incident)
				       : *kept->incident == '\0');
}

void verify_entry(struct verify *v, const struct verify_entry *entry)
{
	struct content content = {0};
	uint8_t hash[32];

	if (v->in_doubt)
		settle_by_entry(v, entry);
	if (v->fault || !check_line(v, entry, &content))
		return;
	if (chain_next(v->chain.hash, entry->line, hash) < 0) {
		fail(v, VERIFY_FAILED, v->chain.seq + 1, 0);
		return;
	}
	v->chain.seq++;
	if (entry->hash && memcmp(hash, entry->hash, sizeof(hash)) != 0) {
		fail(v, VERIFY_LINE, v->chain.seq, 0);
		memcpy(v->computed, hash, sizeof(hash));
		v->in_doubt = true;
		return;
	}
	memcpy(v->chain.hash, hash, sizeof(hash));
	if (entry->kept && !(v->mode & VERIFY_LENIENT) && !is_kept_well(entry->kept, &content)) {
		fail(v, VERIFY_KEPT, v->chain.seq, 0);
		return;
	}
	v->n_entries++;
	if (v->reports && content.type.text)
		verify_reports_line(v->reports, v->chain.seq, content.type.text,
				    content.type.n_text, entry->line);
	if ((v->mode & VERIFY_HEADS) && is_text(&content.type, "record.verified") &&
	    (int64_t)v->n_heads < content.heads)
		fail(v, VERIFY_HEAD_MISSING, v->chain.seq, 0);
	if (is_text(&content.type, "key.rotated"))
		rotate(v, &content, v->chain.seq);
}

/* --- heads ------------------------------------------------------------------------- */

int verify_hash_read(const char *text, uint8_t ret[static 32])
{
	static const char hex[] = "0123456789abcdef";

	if (strspn(text, hex) != 64 || text[64] != '\0')
		return -EBADMSG;
	for (size_t i = 0; i < 32; i++)
		ret[i] = (uint8_t)((strchr(hex, text[2 * i]) - hex) << 4 |
				   (strchr(hex, text[2 * i + 1]) - hex));
	return 0;
}

/* one line without its end; @max with the NUL. Return: what follows; NULL it is too long, empty
 * or has no end. */
static const char *next_line(const char *at, char *ret, size_t max)
{
	size_t n = strcspn(at, "\n");

	if (at[n] != '\n' || n == 0 || n >= max)
		return NULL;
	memcpy(ret, at, n);
	ret[n] = '\0';
	return at + n + 1;
}

static int read_number(const char *text, uint64_t *ret)
{
	uint64_t value = 0;

	if (*text == '0')
		return -EBADMSG;
	for (; *text >= '0' && *text <= '9' && value <= CANON_MOST; text++)
		value = value * 10 + (uint64_t)(*text - '0');
	*ret = value;
	return *text || value > CANON_MOST ? -EBADMSG : 0;
}

int verify_note_read(const char *note, struct verify_note *ret)
{
	char seq[24] = "", hash[CHAIN_HEX_MAX] = "";
	const struct {
		char *place;
		size_t max;
	} lines[] = {
		{ret->origin, sizeof(ret->origin)},
		{seq, sizeof(seq)},
		{hash, sizeof(hash)},
		{ret->time, sizeof(ret->time)},
		{ret->key_id, sizeof(ret->key_id)},
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		note = next_line(note, lines[i].place, lines[i].max);
		if (!note)
			return -EBADMSG;
	}
	if (*note || read_number(seq, &ret->seq) < 0)
		return -EBADMSG;
	return verify_hash_read(hash, ret->hash);
}

static enum verify_fault check_signature(struct verify *v, const struct verify_head *head,
					 const struct verify_note *note)
{
	const struct verify_key *key = key_of(v, note->key_id);

	if (!key)
		return VERIFY_KEY_UNKNOWN;
	if (!head->signature ||
	    !sign_public_verify(&key->key, head->note, strlen(head->note), head->signature))
		return VERIFY_SIGNATURE;
	return key->retired ? VERIFY_KEY_RETIRED : VERIFY_GOOD;
}

static enum verify_fault check_place(const struct verify *v, const struct verify_head *head,
				     const struct verify_note *note)
{
	if (head->seq != VERIFY_ANY && head->seq != note->seq)
		return VERIFY_HEAD_NUMBER;
	if (note->seq > v->chain.seq)
		return VERIFY_TRUNCATED;
	if (note->seq < v->chain.seq)
		return VERIFY_HEAD_NUMBER;
	return memcmp(note->hash, v->chain.hash, sizeof(note->hash)) == 0 ? VERIFY_GOOD
									  : VERIFY_HEAD_HASH;
}

void verify_head(struct verify *v, const struct verify_head *head)
{
	struct verify_note note;
	enum verify_fault fault = VERIFY_HEAD_FORM;
	bool known = true;

	if (verify_note_read(head->note, &note) == 0) {
		if (v->in_doubt)
			settle(v, note.hash);
		fault = check_signature(v, head, &note);
		if (fault == VERIFY_KEY_UNKNOWN && (v->mode & VERIFY_LENIENT)) {
			v->n_unknown++;
			known = false;
			fault = VERIFY_GOOD;
		}
		if (fault == VERIFY_GOOD)
			fault = check_place(v, head, &note);
	}
	if (v->fault)
		return;
	if (fault) {
		fail(v, fault, fault == VERIFY_TRUNCATED ? v->chain.seq + 1 : v->chain.seq,
		     fault == VERIFY_HEAD_FORM ? 0 : note.seq);
		if (fault == VERIFY_KEY_UNKNOWN || fault == VERIFY_KEY_RETIRED)
			memcpy(v->key_id, note.key_id, sizeof(v->key_id));
		return;
	}
	v->n_heads++;
	v->n_signed += known;
	if (known && !key_of(v, note.key_id)->former)
		v->solid_seq = note.seq;
	v->signed_seq = note.seq;
	memcpy(v->origin, note.origin, sizeof(v->origin));
	memcpy(v->key_id, note.key_id, sizeof(v->key_id));
}

void verify_fail(struct verify *v, enum verify_fault fault, uint64_t seq)
{
	if (!v->fault)
		fail(v, fault, seq, 0);
}

bool verify_end(struct verify *v)
{
	v->in_doubt = false;
	/* a key of former times is vouched for by what a later one has signed, not by a line alone
	 */
	if (!v->fault && v->solid_seq < v->former_seq)
		fail(v, VERIFY_ROTATION, v->former_seq, 0);
	if (!v->fault && v->n_entries > 0 && v->signed_seq != v->chain.seq &&
	    !(v->mode & VERIFY_LENIENT))
		fail(v, VERIFY_UNSIGNED, v->n_heads ? v->signed_seq + 1 : v->first_seq,
		     v->chain.seq);
	return !v->fault;
}
