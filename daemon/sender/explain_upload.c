/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "common/macro.h"
#include "sender/explain.h"
#include "sender/explain_upload.h"

#define ANY (-1)

enum { FTP = 1, SFTP = 2, BOTH = FTP | SFTP };

/*
 * CURLcode (libcurl-errors(3)) and reply codes of RFC 959 §4.2; the first row that fits is
 * taken. What is not here is said as for HTTP: names, connections, certificates.
 */
static const struct {
	int protocols;
	int code;
	int reply;
	const char *text;
} failures[] = {
	{FTP, ANY, 421, "it takes no more connections at present; if this stays, ask why"},
	{FTP, ANY, 452, "its disk is full; ask the department to make room"},
	{FTP, ANY, 552, "its disk, or our share of it, is full; ask the department to make room"},
	{BOTH, 70, ANY, "its disk, or our share of it, is full; ask the department to make room"},
	{FTP, 67, ANY,
	 "it refuses the login; check \"user\" and the credential \"password\", and whether it "
	 "wants "
	 "TLS (ftpes)"},
	{SFTP, 67, ANY,
	 "it refuses the login; check \"user\" and \"password\" or \"key\", and that the key is "
	 "known there for this user (Ed25519 or ECDSA: new servers refuse RSA keys from here)"},
	{FTP, 64, ANY,
	 "it offers no TLS for logins or for data; ask the department to switch it on, or for "
	 "another way"},
	/* the control connection stands, and its last words say where the data shall go */
	{FTP, 7, 227,
	 "the data connection is refused; a firewall must let its passive ports through"},
	{FTP, 7, 229,
	 "the data connection is refused; a firewall must let its passive ports through"},
	{FTP, 28, 227, "no data connection; a firewall must let its passive ports through"},
	{FTP, 28, 229, "no data connection; a firewall must let its passive ports through"},
	{FTP, 28, 125, "it stopped taking the file; check network and firewall"},
	{FTP, 28, 150, "it stopped taking the file; check network and firewall"},
	{FTP, 13, ANY, "it refuses passive data connections; ask the department to allow them"},
	{FTP, 14, ANY, "its answer about the data connection makes no sense; is it an FTP server?"},
	{FTP, 9, ANY,
	 "the directory is not there and cannot be made, or is closed to us; check the URL and "
	 "the user's rights"},
	{SFTP, 9, ANY, "it refuses access to the directory; check the URL and the user's rights"},
	{SFTP, 78, ANY,
	 "the directory is not there and cannot be made; check the URL and the user's rights"},
	{FTP, 17, ANY, "it refuses a binary transfer; is it an FTP server?"},
	{FTP, 25, ANY, "it refuses to take the file; check the user's rights in the directory"},
	{BOTH, 21, ANY,
	 "the file is there as \".part\" and cannot be renamed; the user must be allowed to "
	 "rename and to replace files"},
	{BOTH, 73, ANY, "the file is there already and cannot be replaced"},
	{BOTH, 18, ANY, "it did not confirm that it has the whole file"},
	{FTP, 8, ANY, "what answers there is no FTP server, or is out of order"},
	{SFTP, 2, ANY,
	 "no SSH connection: nothing that it offers is known here; give its Ed25519 or ECDSA host "
	 "key, for new servers do not use RSA as it is known here"},
	{SFTP, 79, ANY,
	 "it broke off without saying why; perhaps its disk is full, its log says more"},
	{BOTH, 23, ANY, "it says more than can be taken; is it the right server?"},
	{BOTH, 28, ANY,
	 "no answer in time; check network and firewall, and whether the server works"},
	{BOTH, 55, ANY, "the connection broke while sending"},
	{BOTH, 56, ANY, "the connection broke before the file was confirmed"},
	{BOTH, 52, ANY, "it closed the connection without an answer"},
};

void explain_upload(const char *host, bool sftp, int code, long verify, int reply,
		    const char *detail, char *ret, size_t n)
{
	const int protocol = sftp ? SFTP : FTP;

	for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
		if (!(failures[i].protocols & protocol) ||
		    (failures[i].code != ANY && failures[i].code != code) ||
		    (failures[i].reply != ANY && failures[i].reply != reply))
			continue;
		(void)snprintf(ret, n, "%s: %s", host, failures[i].text);
		explain_append_detail(detail, ret, n);
		return;
	}
	explain_failure(host, code, verify, detail, ret, n);
}
