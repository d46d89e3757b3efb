/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_sentences.h - inside of event_message.c: sentences that stand in files of their own
 */
#pragma once

#include "core/event.h"

/** event_sentence - @text holds EVENT_MESSAGE_MAX bytes */
typedef void event_sentence(const struct event *event, const struct config *config, char *text);

/** event_sentence_storage() - of EVENT_STORAGE_… and EVENT_JOURNAL_RESENT */
event_sentence event_sentence_storage;

/** event_sentence_sandbox() - of EVENT_SANDBOX_… */
event_sentence event_sentence_sandbox;

/** event_sentence_credential() - of EVENT_CREDENTIAL_MISSING */
event_sentence event_sentence_credential;
