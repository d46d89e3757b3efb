/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attempt_upload.h - one file to a server by FTP, FTP that turns to TLS, or SFTP
 *
 *   log in ──▶ directory, made where it is missing ──▶ NAME.part ──▶ rename to NAME ──▶ done
 *                                                                       │ refused
 *                                   remove NAME, rename again ◀─────────┘
 *
 * The whole file stands under one of the two names from the moment it was taken: NAME is
 * removed only when the same bytes are there as NAME.part. NAME is there already when an
 * earlier attempt came to its end and its confirmation was lost.
 *
 * libcurl 7.88 blocks while it waits for the last replies of both protocols, and a server may
 * be silent then; so this blocks too, and runs in a process of its own (uploads.h).
 *
 * FTP: binary, passive only, data connections to the server's own address whatever it says.
 * A path is relative to where the login leads; "//" in front makes it absolute. SFTP: a path
 * is absolute; "/~/" in front makes it relative to the user's home.
 * SFTP logs in with the key if the job has one (the password then opens the key), else with
 * the password. The public key is derived from the private one. libssh2 1.10 knows RSA with
 * SHA-1 only, which OpenSSH 8.8 and later refuse; Ed25519 and ECDSA work, for users' keys and
 * for servers'. It also ignores what a server says when it closes the file, so a disk that
 * is full only then is not noticed; a write that fails is.
 */
#pragma once

#include "sender/attempt.h"

/**
 * attempt_upload_check() - may it be made, and is what it names there?
 * Return: NULL; else why not, without a full stop, as long as @attempt lives.
 */
const char *attempt_upload_check(struct attempt *attempt);

/**
 * attempt_upload_run() - make the attempt; after attempt_upload_check()
 *
 * @attempt->result says what came of it; its @uploaded is 1 only after the server has
 * confirmed the rename.
 * Return: 0; -ENOMEM.
 */
int attempt_upload_run(struct attempt *attempt);
