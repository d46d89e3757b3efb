/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cap_parts.h - what the files cap*.c share: the report that an alert is made of, opened up
 *
 * Pure: no clock, no I/O.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/cap.h"
#include "core/cap_xml.h"

#define CAP_SPACE	 "urn:oasis:names:tc:emergency:cap:1.2"
#define CAP_TOKEN_MAX	 256 /* of identifier or sender */
#define CAP_HEADLINE_MAX 640 /* bytes; 160 characters, as CAP 1.2 advises for text messages */
#define CAP_DESCRIPTION_MAX                                                   \
	6000 /* with all of it escaped, twice, it stays below WIRE_PACKET_MAX \
	      */
#define CAP_INSTRUCTION_MAX 2000
#define CAP_LINES_MAX	    10 /* alarms, masses and paths that are told in words, each */
#define CAP_AREAS_MAX	    8
#define CAP_RELEASED_MAX    20

/** struct cap - a report, its commonest parts at hand; texts are "" where it has none */
struct cap {
	const struct cap_report *report;
	struct cap_xml *xml;
	const json_t *data;
	const json_t *incident;
	const json_t *site;
	const char *id;
	const char *kind;
	const char *class;
	const char *level;
	const char *verdict;
	const json_t *own; /* what the destination asks for: target and verdict; NULL all */
	bool own_is_receptor;
	bool at_station; /* only stations have seen it: nothing was let go here */
	bool ended;
	bool exercise;
};

/** struct cap_text - words, cut behind a whole character where there is no more room */
struct cap_text {
	char *bytes;
	size_t room; /* with its end; 4 at least */
	size_t n;
	bool full;
};

/** struct cap_word - what stands for {@name} in a sentence; @name NULL: the last */
struct cap_word {
	const char *name;
	const char *text;
};

/** cap_text_add() - put a text at the end */
void cap_text_add(struct cap_text *text, const char *more);

/**
 * cap_text_say() - put a sentence at the end
 * @sentence: marked with N_(); its {NAME}s are exchanged for @words
 */
void cap_text_say(struct cap_text *text, enum catalogue_language language, const char *sentence,
		  const struct cap_word *words);

/** CAP_SAY() - cap_text_say() with its words in place: {"name", text}, …; or none. The first is
 * there for the comma. */
#define CAP_SAY(text, language, sentence, ...)       \
	cap_text_say((text), (language), (sentence), \
		     (const struct cap_word[]){{"", ""}, ##__VA_ARGS__, {NULL, NULL}})

/** cap_term() - a word of the JSON report ("liquid", "commune", "river", …) as people say it */
const char *cap_term(enum catalogue_language language, const char *list, const char *word);

/** cap_term_say() - such a word that is a sentence, with what stands for its {NAME}s */
void cap_term_say(struct cap_text *text, enum catalogue_language language, const char *list,
		  const char *word, const struct cap_word *words);

/** cap_began() - when it began: the earliest time that a limit was broken, else its opening; UTC.
 * Return: false: neither is said. */
bool cap_began(const struct cap *cap, int64_t *ret);

/** cap_clock() - a time of the JSON report for people: "2026-11-24 21:05 (UTC+07:00)" */
void cap_clock(const char *time, char text[static CAP_TIME_MAX]);

/** cap_source() - what the report says of the source that is called @name; NULL nothing */
const json_t *cap_source(const struct cap *cap, const char *name);

/** cap_split_path() - SITE/SOURCE/CHANNEL/LIMIT; the middle two */
void cap_split_path(const char *path, char source[static 64], char channel[static 64]);

/** cap_event() - what has happened, in a few words: an incident, or what a station has seen */
const char *cap_event(const struct cap *cap, enum catalogue_language language);

/** cap_say_path() - a line about one path of the assessment; notes by their numbers, see
 * cap_say_notes() */
void cap_say_path(const struct cap *cap, enum catalogue_language language, const json_t *path,
		  struct cap_text *text);

/** cap_say_notes() - what weakens the results of these paths, each once and with a number */
void cap_say_notes(const struct cap *cap, enum catalogue_language language, struct cap_text *text);

/** cap_say_reach() - where what a station has seen comes from; and will it cross, what will it
 * reach? Of one destination what it asks for. Nothing where there is nothing to say. */
void cap_say_reach(const struct cap *cap, enum catalogue_language language, struct cap_text *text);

/** cap_title() - of the sources, channels (@list): the title of what is called @name by @key, at
 * @source where that counts (not NULL) */
const char *cap_title(const struct cap *cap, const char *list, const char *key, const char *name,
		      const char *source);

/** cap_amount() - "12.5 mg/l" */
const char *cap_amount(char *to, size_t room, const char *figure, const char *unit);

/** cap_headline(), cap_description(), cap_instruction() - the words of an info block */
void cap_headline(const struct cap *cap, enum catalogue_language language, struct cap_text *text);
void cap_description(const struct cap *cap, enum catalogue_language language,
		     struct cap_text *text);
void cap_instruction(const struct cap *cap, enum catalogue_language language,
		     struct cap_text *text);

/** cap_areas() - the area elements of an info block */
void cap_areas(const struct cap *cap, enum catalogue_language language, struct cap_node *info);

/** cap_place() - the site's title, cluster, commune and province */
void cap_place(const struct cap *cap, struct cap_text *text);

/** cap_urgency(), cap_severity(), cap_certainty() - see the tables of cap.h */
const char *cap_urgency(const struct cap *cap);
const char *cap_severity(const struct cap *cap);
const char *cap_certainty(const struct cap *cap);

/** cap_responses() - up to three of CAP's response types, NULL behind the last */
void cap_responses(const struct cap *cap, const char *ret[static 4]);

/** cap_may_cross() - is a path's or incident's verdict at least "possible"? */
bool cap_may_cross(const char *verdict);

/** cap_rank() - of a verdict's word: 0 none, or no such, to 4 observed */
int cap_rank(const char *verdict);

/** cap_add() - an element with a text; an empty text is none */
void cap_add(const struct cap *cap, struct cap_node *parent, const char *name, const char *text);

/** cap_add_parameter(), cap_add_number() - a parameter of an info block, likewise */
void cap_add_parameter(const struct cap *cap, struct cap_node *info, const char *name,
		       const char *value);
void cap_add_number(const struct cap *cap, struct cap_node *info, const char *name,
		    const json_t *object, const char *key);

/** cap_add_log() - the parameters log-…, what the report says of the record */
void cap_add_log(const struct cap *cap, struct cap_node *info);

/** cap_token() - a text without what identifier and sender must not have */
void cap_token(const char *from, char to[static CAP_TOKEN_MAX]);

/** cap_sender() - who speaks; Return: @to */
const char *cap_sender(const struct cap *cap, char to[static CAP_TOKEN_MAX]);
