/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain.h - sentences about failed attempts, for the people who must act
 *
 * Pure. Knows the numbers of libcurl's and OpenSSL's codes, which are part of their stable
 * interface, and none of their headers.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/**
 * explain_failure() - why there was no answer, and what to do
 * @host: who was asked, "host:port"
 * @code: CURLcode
 * @verify: OpenSSL's certificate verification result, 0 none
 * @detail: libcurl's own words, "" none; used where the code is not in the table, and
 *   appended where it says more
 */
void explain_failure(const char *host, int code, long verify, const char *detail, char *ret,
		     size_t n);

/** explain_status() - what an answer other than 2xx means, and what to do; "" for 2xx */
void explain_status(const char *host, int status, char *ret, size_t n);

/** explain_append_detail() - @detail in brackets behind @ret: one line, printable; "" adds nothing
 */
void explain_append_detail(const char *detail, char *ret, size_t n);
