/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain_upload.h - sentences about files that could not be put on a server
 *
 * Pure, like explain.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/**
 * explain_upload() - why the file is not there, and what to do
 * @host: who was asked, "host:port"
 * @sftp: else FTP, with or without TLS
 * @code: CURLcode
 * @verify: OpenSSL's certificate verification result, 0 none
 * @reply: code of the server's last reply (RFC 959 §4.2), 0 none; SFTP has none
 * @detail: the server's last words, or libcurl's; "" none
 */
void explain_upload(const char *host, bool sftp, int code, long verify, int reply,
		    const char *detail, char *ret, size_t n);
