/* SPDX-License-Identifier: Apache-2.0 */
/*
 * receiver_options.h - the command line of wastewatch-receiver
 *
 * Reads the files that are named on it; says on stderr what is wrong.
 */
#pragma once

#include "tools/receiver_server.h"

/**
 * struct receiver_options
 * @address, @port: of --listen, the address without brackets
 * @certificate, @key: texts of the files, owned; @settings points to them
 */
struct receiver_options {
	char address[64];
	char port[6];
	const char *store;
	int64_t overdue_s;
	char *certificate;
	char *key;
	struct receiver_settings settings;
};

/**
 * receiver_options_parse() - from argv
 * Return: 1 go on; 0 --help or --version was printed; -EINVAL not understood, and said so.
 */
int receiver_options_parse(struct receiver_options *options, int argc, char **argv);

/** receiver_options_done() - wipe keys, free texts */
void receiver_options_done(struct receiver_options *options);
