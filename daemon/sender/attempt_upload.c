/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "sender/attempt_upload.h"
#include "sender/explain_upload.h"
#include "sender/policy.h"

#define REPLIES_BYTES_MAX 65536 /* of a server's replies: greetings may be long, not endless */
#define REPLY_MAX	  256	/* bytes of the last reply that are kept */
#define LINE_MAX_BYTES	  (2 * POLICY_URL_MAX + 64)
#define AFTERTHOUGHT_MS	  1000 /* with less time left nothing more is tried */

/**
 * struct upload - what the callbacks know
 * @path: where the file is to be, percent-decoded
 * @reply: the server's last words, without its farewell; @code: their number
 */
struct upload {
	struct attempt *attempt;
	char *path;
	bool sftp;
	char reply[REPLY_MAX];
	int code;
};

/* ---- callbacks ---- */

static size_t give_body(char *buffer, size_t size, size_t n, void *userdata)
{
	struct upload *upload = userdata;
	struct attempt *attempt = upload->attempt;

	n = MIN(size * n, attempt->job->n_body - attempt->n_body);
	memcpy(buffer, attempt->texts[ATTEMPT_BODY] + attempt->n_body, n);
	attempt->n_body += n;
	return n;
}

/* one line of FTP's replies; "226 done" ends a reply, "226-more" does not */
static size_t take_reply(char *line, size_t size, size_t n, void *userdata)
{
	struct upload *upload = userdata;
	struct attempt *attempt = upload->attempt;
	size_t kept;

	n *= size;
	attempt->head_bytes += n;
	if (attempt->head_bytes > REPLIES_BYTES_MAX)
		return 0;
	if (n < 4 || !isdigit((unsigned char)line[0]) || !isdigit((unsigned char)line[1]) ||
	    !isdigit((unsigned char)line[2]) || line[3] != ' ')
		return n;
	if (memcmp(line, "221", 3) == 0) /* the answer to QUIT says nothing about the file */
		return n;
	kept = MIN(n, sizeof(upload->reply) - 1);
	while (kept > 0 && (line[kept - 1] == '\r' || line[kept - 1] == '\n'))
		kept--;
	memcpy(upload->reply, line, kept);
	upload->reply[kept] = '\0';
	upload->code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
	return n;
}

static size_t drop(char *data, size_t size, size_t n, void *userdata)
{
	(void)data;
	(void)userdata;
	return size * n;
}

/* nothing is ever learnt from the server: the key is known, or there is no login */
static int check_host_key(CURL *easy, const struct curl_khkey *known,
			  const struct curl_khkey *found, enum curl_khmatch match, void *userdata)
{
	struct upload *upload = userdata;

	(void)easy;
	(void)known;
	(void)found;
	if (match == CURLKHMATCH_OK)
		return CURLKHSTAT_FINE;
	upload->attempt->refused =
		match == CURLKHMATCH_MISMATCH
			? "its host key is another than the credential \"host-key\" has; ask the "
			  "department whether it was changed before you accept the new one"
			: "its host key is not in the credential \"host-key\"; get it from the "
			  "department (one line as in known_hosts)";
	return CURLKHSTAT_REJECT;
}

/* ---- options ---- */

/* first line of the password's file; the copy here is wiped, libcurl's ends with the process */
static CURLcode set_password(struct attempt *attempt, CURLoption option)
{
	char path[ATTEMPT_PATH_MAX], line[POLICY_LOGIN_MAX + 3];
	CURLcode code = CURLE_LOGIN_DENIED;
	const char *why = "it cannot be read";
	FILE *file;

	if (attempt->job->n_password == 0)
		return CURLE_OK;
	file = attempt_file(attempt, ATTEMPT_PASSWORD, attempt->job->n_password, path)
		       ? fopen(path, "re")
		       : NULL;
	if (file)
		(void)setvbuf(file, NULL, _IONBF, 0); /* no copy that nobody wipes */
	if (file && !fgets(line, sizeof(line), file))
		line[0] = '\0';
	if (file) {
		line[strcspn(line, "\r\n")] = '\0';
		why = policy_check_login(line, strlen(line));
		(void)fclose(file);
	}
	if (!why)
		code = curl_easy_setopt(attempt->easy, option, line);
	explicit_bzero(line, sizeof(line));
	if (why) {
		(void)snprintf(attempt->sentence, sizeof(attempt->sentence),
			       "the credential \"password\": %s", why);
		attempt->refused = attempt->sentence;
	}
	return code;
}

static CURLcode set_ftp(struct upload *upload)
{
	CURL *easy = upload->attempt->easy;
	const bool tls = strcmp(upload->attempt->scheme, "ftpes") == 0;
	CURLcode code = CURLE_OK;

	code |= curl_easy_setopt(easy, CURLOPT_USE_SSL,
				 (long)(tls ? CURLUSESSL_ALL : CURLUSESSL_NONE));
	code |= curl_easy_setopt(easy, CURLOPT_FTPSSLAUTH, (long)CURLFTPAUTH_TLS);
	code |= curl_easy_setopt(easy, CURLOPT_FTPPORT, NULL); /* never active */
	code |= curl_easy_setopt(easy, CURLOPT_FTP_SKIP_PASV_IP, 1L);
	code |= curl_easy_setopt(easy, CURLOPT_FTP_FILEMETHOD, (long)CURLFTPMETHOD_MULTICWD);
	code |= curl_easy_setopt(easy, CURLOPT_TRANSFERTEXT, 0L);
	code |= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_reply);
	code |= curl_easy_setopt(easy, CURLOPT_HEADERDATA, upload);
	code |= set_password(upload->attempt, CURLOPT_PASSWORD);
	return code;
}

static CURLcode set_sftp(struct upload *upload)
{
	struct attempt *attempt = upload->attempt;
	const struct wire_job *job = attempt->job;
	const bool key = job->n_key > 0;
	CURL *easy = attempt->easy;
	CURLcode code = CURLE_OK;

	code |= attempt_set_file(attempt, CURLOPT_SSH_KNOWNHOSTS, ATTEMPT_HOST_KEY,
				 job->n_host_key);
	code |= curl_easy_setopt(easy, CURLOPT_SSH_KEYFUNCTION, check_host_key);
	code |= curl_easy_setopt(easy, CURLOPT_SSH_KEYDATA, upload);
	/* no agent, no key of a home directory */
	code |= curl_easy_setopt(easy, CURLOPT_SSH_AUTH_TYPES,
				 key ? (long)CURLSSH_AUTH_PUBLICKEY
				     : (long)(CURLSSH_AUTH_PASSWORD | CURLSSH_AUTH_KEYBOARD));
	code |= attempt_set_file(attempt, CURLOPT_SSH_PRIVATE_KEYFILE, ATTEMPT_KEY, job->n_key);
	code |= curl_easy_setopt(easy, CURLOPT_NEW_FILE_PERMS, 0644L);
	code |= curl_easy_setopt(easy, CURLOPT_NEW_DIRECTORY_PERMS, 0755L);
	code |= set_password(attempt, key ? CURLOPT_KEYPASSWD : CURLOPT_PASSWORD);
	return code;
}

static CURLcode set_upload(struct upload *upload)
{
	struct attempt *attempt = upload->attempt;
	CURL *easy = attempt->easy;
	char user[POLICY_LOGIN_MAX + 1];
	CURLcode code = CURLE_OK;

	memcpy(user, attempt->texts[ATTEMPT_USER], attempt->job->n_user);
	user[attempt->job->n_user] = '\0';
	code |= curl_easy_setopt(easy, CURLOPT_USERNAME, user);
	code |= curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
	code |= curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)attempt->job->n_body);
	code |= curl_easy_setopt(easy, CURLOPT_READFUNCTION, give_body);
	code |= curl_easy_setopt(easy, CURLOPT_READDATA, upload);
	code |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop);
	code |= curl_easy_setopt(easy, CURLOPT_FTP_CREATE_MISSING_DIRS,
				 (long)CURLFTP_CREATE_DIR_RETRY);
	/* the farewell, for which some servers let one wait, comes when the result is sent */
	code |= curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 0L);
	code |= curl_easy_setopt(easy, CURLOPT_SERVER_RESPONSE_TIMEOUT,
				 (long)(attempt->job->total_timeout_ms / 1000 + 1));
	return code;
}

/* ---- names ---- */

/* the URL shall name @path, "%" and all: each byte that means something is encoded again */
static int name_path(struct attempt *attempt, const char *path)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
	char text[3 * (POLICY_URL_MAX + 8) + 1], *at = text;

	for (; *path; path++) {
		if (strchr(plain, *path))
			*at++ = *path;
		else
			at += sprintf(at, "%%%02X", (unsigned char)*path);
	}
	*at = '\0';
	return curl_url_set(attempt->url, CURLUPART_PATH, text, 0) == CURLUE_OK ? 0 : -ENOMEM;
}

/*
 * What the commands after the transfer call the file. FTP's are in its directory by then;
 * SFTP's take a path, relative to the home where it begins with "/~/" as in the URL.
 */
static const char *command_name(const struct upload *upload)
{
	if (!upload->sftp)
		return strrchr(upload->path, '/') + 1;
	return strncmp(upload->path, "/~/", 3) == 0 ? upload->path + 3 : upload->path;
}

static int add_command(struct upload *upload, const char *verb, const char *name, const char *rest)
{
	char line[LINE_MAX_BYTES];

	if ((size_t)snprintf(line, sizeof(line), "%s%s%s", verb, name, rest) >= sizeof(line))
		return -ENOMEM;
	return attempt_add_line(upload->attempt, line);
}

/* @remove: whatever has the name now goes first; a "*" in front: it may fail */
static int add_sftp_commands(struct upload *upload, bool remove)
{
	const char *name = command_name(upload);
	char names[LINE_MAX_BYTES];

	if (remove && add_command(upload, "*rm \"", name, "\"") < 0)
		return -ENOMEM;
	(void)snprintf(names, sizeof(names), "%s.part\" \"%s", name, name);
	return add_command(upload, "rename \"", names, "\"");
}

static int add_ftp_commands(struct upload *upload, bool remove)
{
	const char *name = command_name(upload);

	if (remove && add_command(upload, "*DELE ", name, "") < 0)
		return -ENOMEM;
	if (add_command(upload, "RNFR ", name, ".part") < 0)
		return -ENOMEM;
	return add_command(upload, "RNTO ", name, "");
}

static int add_commands(struct upload *upload, bool remove)
{
	curl_slist_free_all(upload->attempt->headers);
	upload->attempt->headers = NULL;
	return upload->sftp ? add_sftp_commands(upload, remove) : add_ftp_commands(upload, remove);
}

static int name_part(struct upload *upload)
{
	char part[POLICY_URL_MAX + 8];

	(void)snprintf(part, sizeof(part), "%s.part", upload->path);
	return name_path(upload->attempt, part);
}

static int name_directory(struct upload *upload)
{
	char directory[POLICY_URL_MAX + 1];

	(void)snprintf(directory, sizeof(directory), "%s", upload->path);
	strrchr(directory, '/')[1] = '\0';
	return name_path(upload->attempt, directory);
}

/* ---- the attempt ---- */

static void explain(struct upload *upload, CURLcode code)
{
	struct attempt *attempt = upload->attempt;
	char text[WIRE_ERROR_MAX];
	long verify = 0;

	(void)curl_easy_getinfo(attempt->easy, CURLINFO_SSL_VERIFYRESULT, &verify);
	if (attempt->refused)
		(void)snprintf(text, sizeof(text), "%s: %s", attempt->host, attempt->refused);
	else
		explain_upload(attempt->host, upload->sftp, (int)code, verify, upload->code,
			       upload->reply[0] ? upload->reply : attempt->message, text,
			       sizeof(text));
	result_set_error(&attempt->result, text);
}

/*
 * libcurl says that all went well: for FTP the last reply must be the one to RNTO, and good.
 * 226 is the transfer's: the rename would not have been asked for.
 */
static bool is_confirmed(const struct upload *upload)
{
	return upload->sftp || (upload->code / 100 == 2 && upload->code != 226);
}

static CURLcode perform(struct upload *upload, long timeout_ms)
{
	CURL *easy = upload->attempt->easy;
	CURLcode code = CURLE_OK;

	upload->reply[0] = upload->attempt->message[0] = '\0';
	upload->code = 0;
	upload->attempt->refused = NULL;
	code |= curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms);
	code |= curl_easy_setopt(easy, CURLOPT_POSTQUOTE, upload->attempt->headers);
	if (code != CURLE_OK)
		return CURLE_OUT_OF_MEMORY;
	code = curl_easy_perform(easy);
	if (code == CURLE_OK && !is_confirmed(upload))
		code = CURLE_PARTIAL_FILE;
	return code;
}

/* the server has the whole file and does not rename it: perhaps the name is taken */
static CURLcode replace(struct upload *upload, long timeout_ms)
{
	CURL *easy = upload->attempt->easy;

	if (add_commands(upload, true) < 0 || name_directory(upload) < 0 ||
	    curl_easy_setopt(easy, CURLOPT_UPLOAD, 0L) != CURLE_OK ||
	    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L) != CURLE_OK)
		return CURLE_OUT_OF_MEMORY;
	return perform(upload, timeout_ms);
}

static void run(struct upload *upload)
{
	struct attempt *attempt = upload->attempt;
	struct wire_result *wire = &attempt->result.wire;
	const long limit_ms = (long)attempt->job->total_timeout_ms;
	int64_t start_us, now_us, wall_us;
	CURLcode code;

	clock_now(&start_us, &wall_us);
	code = perform(upload, limit_ms);
	clock_now(&now_us, &wall_us);
	if (code == CURLE_QUOTE_ERROR &&
	    limit_ms - (now_us - start_us) / US_PER_MS > AFTERTHOUGHT_MS)
		code = replace(upload, limit_ms - (long)((now_us - start_us) / US_PER_MS));
	clock_now(&now_us, &wall_us);
	wire->took_ms = (uint32_t)((now_us - start_us) / US_PER_MS);
	wire->curl_code = (int32_t)code;
	wire->uploaded = code == CURLE_OK;
	wire->n_answer = (uint32_t)strlen(upload->reply);
	memcpy(attempt->result.answer, upload->reply, wire->n_answer);
	if (code != CURLE_OK)
		explain(upload, code);
}

/* Return: 0; -EINVAL a credential is not as it must be, and @result says so; -ENOMEM */
static int prepare(struct upload *upload)
{
	struct attempt *attempt = upload->attempt;
	CURLcode code = attempt_set_bounds(attempt, upload->sftp ? "sftp" : "ftp");

	code |= set_upload(upload);
	if (!upload->sftp)
		code |= attempt_set_tls(attempt);
	code |= upload->sftp ? set_sftp(upload) : set_ftp(upload);
	if (attempt->refused) {
		attempt->result.wire.curl_code = CURLE_BAD_FUNCTION_ARGUMENT;
		explain(upload, CURLE_BAD_FUNCTION_ARGUMENT);
		return -EINVAL;
	}
	if (code != CURLE_OK || name_part(upload) < 0 || add_commands(upload, false) < 0)
		return -ENOMEM;
	return 0;
}

int attempt_upload_run(struct attempt *attempt)
{
	struct upload upload = {.attempt = attempt, .sftp = strcmp(attempt->scheme, "sftp") == 0};
	int r;

	if (curl_url_get(attempt->url, CURLUPART_PATH, &upload.path, CURLU_URLDECODE) != CURLUE_OK)
		return -ENOMEM;
	r = prepare(&upload);
	if (r == 0)
		run(&upload);
	curl_free(upload.path);
	return r == -EINVAL ? 0 : r;
}
