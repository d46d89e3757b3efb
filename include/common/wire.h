/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire.h - what the three programs say to each other
 *
 * SOCK_SEQPACKET sockets in the runtime directory, "poller.sock" and "sender.sock", owned
 * by the core. One packet is one message: a header, then fixed-width fields in host byte
 * order (both ends run on one machine), then in some messages text or registers. Every
 * length is checked on receipt; an unknown or malformed message ends the connection.
 *
 *   poller                                    core
 *     HELLO (instance, plan it runs)  ───────▶   peer checked by SO_PEERCRED
 *     ◀───────  HELLO, then the PLAN_… unless the poller runs it already, then ACK
 *     READINGS after the acknowledged one ───▶   decoded, judged, committed
 *     ◀───────  ACK (last sequence number that a commit covers)
 *     LINKS (state of the links)      ───────▶   shown to people, not recorded
 *     ◀───────  TRIALS (what its sandbox must refuse); the same comes back with what came of it
 *
 *   sender                                    core
 *     HELLO                           ───────▶
 *     ◀───────  HELLO, JOB (one delivery attempt)
 *     RESULT (what came of it)        ───────▶
 *     ◀───────  TRIALS, as above
 *
 * The functions do no parsing beyond what the wire defines and keep no state.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macro.h"

#define WIRE_VERSION	      3
#define WIRE_MAGIC	      UINT32_C(0x57573031) /* tells a stray peer from ours */
#define WIRE_PACKET_MAX	      131072 /* bytes; stays below the default SO_SNDBUF of 212,992 */
#define WIRE_REGISTERS_MAX    125    /* Modbus application protocol V1.1b3 §6.3 */
#define WIRE_BITS_MAX	      2000   /* the same, §6.1 */
#define WIRE_LINKS_PER_POLLER 500    /* select() in libmodbus ends at descriptor 1023 */
#define WIRE_HOST_MAX	      160    /* bytes of an address or device path with its NUL */

enum wire_type {
	WIRE_HELLO = 1,
	WIRE_PLAN_BEGIN,
	WIRE_PLAN_LINKS,
	WIRE_PLAN_UNITS,
	WIRE_PLAN_REQUESTS,
	WIRE_PLAN_END,
	WIRE_ACK,
	WIRE_READINGS,
	WIRE_LINKS,
	WIRE_JOB,
	WIRE_RESULT,
	WIRE_TRIALS,
};

enum wire_role { WIRE_ROLE_CORE = 1, WIRE_ROLE_POLLER, WIRE_ROLE_SENDER };

/**
 * struct wire_header - first bytes of every packet
 * @type: enum wire_type
 * @count: items that follow, where the message is a list; else 0
 * @length: bytes of the packet with this header
 */
struct wire_header {
	uint16_t type;
	uint16_t count;
	uint32_t length;
};

/**
 * struct wire_hello - first packet of either side
 * @instance: drawn at random when the program starts; names a stream of sequence numbers
 * @plan: plan that the poller runs, 0 none; from the core: 0
 * @first_seq: oldest reading that the poller still holds, 0 none
 * @boot_id: /proc/sys/kernel/random/boot_id without hyphens, as 16 bytes: readings of
 *   another boot carry another CLOCK_BOOTTIME
 */
struct wire_hello {
	struct wire_header header;
	uint32_t magic;
	uint16_t version;
	uint16_t role;
	uint64_t instance;
	uint64_t plan;
	uint64_t first_seq;
	uint8_t boot_id[16];
};

/**
 * struct wire_plan_begin - a plan follows: all links, then all units, then all requests
 * @plan: identity of the plan: the same work has the same number, never 0
 * @grid_us: due times are multiples of this on CLOCK_BOOTTIME
 */
struct wire_plan_begin {
	struct wire_header header;
	uint64_t plan;
	uint32_t n_links;
	uint32_t n_units;
	uint32_t n_requests;
	uint32_t grid_us;
};

enum wire_link_kind {
	WIRE_LINK_TCP = 1,     /* Modbus TCP */
	WIRE_LINK_RTU = 2,     /* Modbus RTU on a serial line */
	WIRE_LINK_RTU_TCP = 3, /* RTU frames through a TCP connection: a serial server */
};

enum wire_parity { WIRE_PARITY_NONE = 'N', WIRE_PARITY_EVEN = 'E', WIRE_PARITY_ODD = 'O' };

/** enum wire_rs485 - bits of struct wire_link's @rs485; linux/serial.h has the kernel's own */
enum wire_rs485 {
	WIRE_RS485_ENABLED = 1,
	WIRE_RS485_RTS_LOW_ON_SEND = 2, /* the line driver is switched on by RTS low */
	WIRE_RS485_RX_DURING_TX = 4,	/* what is sent is received too */
};

/**
 * struct wire_link - one connection
 * @key: identity over reloads: the same key and the same bytes keep their connection
 * @kind: enum wire_link_kind
 * @port: TCP kinds; 0 for a serial line
 * @baud: bits per second; RTU over TCP: of the line behind the server, 0 unknown
 * @backoff_min_ms: wait before the first reconnect; doubles up to @backoff_max_ms
 * @first_delay_ms: the first request is sent no sooner after the connection stands
 * @frame_gap_us: least silence between two frames; 0 for Modbus TCP
 * @rts_before_ms, @rts_after_ms: RS-485: the driver is on so long before and after a frame
 * @parity: enum wire_parity; @stop_bits: 1 or 2; a character has 8 data bits
 * @rs485: enum wire_rs485, 0: the driver switches by itself
 * @host: numeric IPv4 or IPv6 address, or the absolute path of the device; NUL-terminated
 */
struct wire_link {
	uint64_t key;
	uint16_t kind;
	uint16_t port;
	uint32_t baud;
	uint32_t connect_timeout_ms;
	uint32_t backoff_min_ms;
	uint32_t backoff_max_ms;
	uint32_t first_delay_ms;
	uint32_t frame_gap_us;
	uint16_t rts_before_ms;
	uint16_t rts_after_ms;
	uint8_t parity;
	uint8_t stop_bits;
	uint8_t rs485;
	uint8_t pad[5];
	char host[WIRE_HOST_MAX];
};

/**
 * struct wire_unit - a device on a link
 * @link: index into the plan's links
 * @phase_us: its requests are due at n × @interval_ms + @phase_us
 * @timeout_ms: deadline of one request, from the send to the last byte
 * @turnaround_ms: silence between an answer of this unit and the next request on the link
 * @quiet_ms: RTU: after a time-out the line stays silent until so long after the request,
 *   this unit's worst answer time, and what comes until then is thrown away. 0: @timeout_ms
 */
struct wire_unit {
	uint32_t link;
	uint32_t interval_ms;
	uint32_t timeout_ms;
	uint32_t phase_us;
	uint32_t turnaround_ms;
	uint32_t quiet_ms;
	uint8_t id;
	uint8_t pad[7];
};

/**
 * struct wire_request - one read
 * @key: identity over reloads; comes back with every reading
 * @unit: index into the plan's units
 * @function: 1-4; nothing else exists
 * @count: registers (3, 4) or bits (1, 2)
 * @used: functions 3, 4: bit i of byte i / 8 is set where register i is part of a value;
 *   others are read through. Bits are all used and may be parted anywhere: zeros there.
 * @starts: the same: set where a value starts and none before it reaches beyond: the request
 *   may be parted in front of this register, and nowhere else
 * @barred: what must not be read in place of it, to get in step on a line (poller/instep.h): bit f
 *   is set where function f must not be asked at any of its addresses; that of @function itself
 *   where nothing behind its last address may be read. Holes of the configuration; 0 elsewhere
 */
struct wire_request {
	uint64_t key;
	uint32_t unit;
	uint16_t address;
	uint16_t count;
	uint8_t function;
	uint8_t barred;
	uint8_t pad[6];
	uint8_t used[16];
	uint8_t starts[16];
};

#define WIRE_BARRED_ALL 0x1e /* functions 1-4 */

struct wire_plan_end {
	struct wire_header header;
	uint64_t plan;
};

/** struct wire_ack - the core's last commit covers all of this instance up to @seq */
struct wire_ack {
	struct wire_header header;
	uint64_t seq;
};

enum wire_status {
	WIRE_OK = 0,
	WIRE_TIMEOUT,	   /* no whole answer before the deadline */
	WIRE_DISCONNECTED, /* the link is down: refused, unreachable, reset, closed */
	WIRE_MALFORMED,	   /* length, protocol or byte count of the answer is wrong */
	WIRE_FOREIGN,	   /* transaction, unit or function of another request */
	WIRE_EXCEPTION,	   /* the unit answered with an exception */
	WIRE_STATUS_MAX = WIRE_EXCEPTION,
};

/**
 * struct wire_reading - one answer, one failure or one tick
 * @seq: counts up by one for every item of an instance, from 1
 * @key: request that it belongs to; 0: a tick, sent once a second whatever the plan
 * @boot_us: CLOCK_BOOTTIME when the last byte had come, or when it was given up
 * @wall_us: CLOCK_REALTIME at the same moment
 * @took_us: from the send to @boot_us; 0 for ticks and where nothing was sent
 * @status: enum wire_status
 * @exception: Modbus exception code with WIRE_EXCEPTION, else 0
 * @n_words: registers that follow, in host byte order; bits are packed 16 to a word, the
 *   first in the lowest bit. 0 unless WIRE_OK. The words are padded with zeros to a
 *   multiple of 8 bytes.
 * @first, @count: the part of the request that this is about, in registers or bits from its
 *   start: all of it, unless the unit refuses the whole and it is read in parts; 0 for ticks
 *
 * A failed request gives one reading with its status; while a link or unit is backing off
 * its requests are not due and give none.
 */
struct wire_reading {
	uint64_t seq;
	uint64_t key;
	int64_t boot_us;
	int64_t wall_us;
	uint32_t took_us;
	uint8_t status;
	uint8_t exception;
	uint16_t n_words;
	uint16_t first;
	uint16_t count;
	uint32_t pad;
};

/** wire_reading_size() - bytes of a reading with @n_words registers */
static inline size_t wire_reading_size(size_t n_words)
{
	return sizeof(struct wire_reading) + (n_words * 2 + 7) / 8 * 8;
}

enum wire_link_state {
	WIRE_LINK_CONNECTING = 1,
	WIRE_LINK_IDLE,
	WIRE_LINK_WAITING,
	WIRE_LINK_BACKING_OFF,
};

/**
 * struct wire_link_report - how a link is doing; counters since the poller's start
 * @error: errno of the last failure, 0 none since the link came up
 * @n_late: answers nobody waited for, and bytes nobody asked for
 * @n_overruns: due times that were passed over because the link was still busy
 * @n_degraded: units of the link that stay silent and are only probed now
 * @worst_us: longest answer time
 * @worst_round_us: longest time from a due time to the last answer of its round
 * @busy_permille: of the last whole minute, the time in which a request was outstanding or the
 *   line had to be silent
 * @n_refused: parts of requests that units refuse at present (exceptions 2 and 3)
 */
struct wire_link_report {
	uint64_t key;
	uint32_t state;
	int32_t error;
	uint64_t n_requests;
	uint64_t n_answers;
	uint64_t n_exceptions;
	uint64_t n_timeouts;
	uint64_t n_malformed;
	uint64_t n_late;
	uint64_t n_connects;
	uint64_t n_overruns;
	uint32_t worst_us;
	uint32_t n_degraded;
	uint32_t worst_round_us;
	uint16_t busy_permille;
	uint16_t n_refused;
};

enum wire_job_kind {
	WIRE_JOB_POST = 1, /* a report over HTTP */
	WIRE_JOB_UPLOAD,   /* a file by FTP, FTPS or SFTP */
};

/**
 * struct wire_job - one delivery attempt; nine texts follow without NUL or padding, in the
 *   order of their lengths
 * @id: comes back with the result
 * @kind: enum wire_job_kind
 * @n_url: POST: https, or http to a loopback address. UPLOAD: where the file is to be in the
 *   end, directories and name: ftp://, ftpes:// (FTP that must turn to TLS), sftp://
 * @n_headers: POST: "Name: value" lines, each ended by "\n"
 * @n_body: exactly the bytes to send
 * @n_ca, @n_cert, @n_key: file names in the sender's credentials directory, 0 none; with
 *   sftp @n_key is the private key to log in with
 * @n_user: UPLOAD: name to log in with
 * @n_password: UPLOAD: credential with the password
 * @n_host_key: sftp: credential with the server's key in the form of known_hosts; must be there
 */
struct wire_job {
	struct wire_header header;
	uint64_t id;
	uint32_t kind;
	uint32_t connect_timeout_ms;
	uint32_t total_timeout_ms;
	uint32_t n_url;
	uint32_t n_headers;
	uint32_t n_body;
	uint32_t n_ca;
	uint32_t n_cert;
	uint32_t n_key;
	uint32_t n_user;
	uint32_t n_password;
	uint32_t n_host_key;
};

/**
 * struct wire_result - what came of one attempt; two texts follow as in struct wire_job
 * @id: of the job
 * @date_s: the receiver's Date header, seconds since 1970, -1 none
 * @retry_after_s: the receiver's Retry-After, -1 none
 * @curl_code: CURLcode; 0: an HTTP answer came, or the upload is done
 * @http_status: 0 none; UPLOAD: always 0
 * @took_ms: length of the attempt
 * @n_error: a sentence for people, where the attempt failed
 * @n_answer: first bytes of the answer's body, at most 1 KiB, as they came
 * @uploaded: UPLOAD: 1 the server has the whole file under its final name, else 0
 */
struct wire_result {
	struct wire_header header;
	uint64_t id;
	int64_t date_s;
	int64_t retry_after_s;
	int32_t curl_code;
	int32_t http_status;
	uint32_t took_ms;
	uint32_t n_error;
	uint32_t n_answer;
	uint32_t uploaded;
};

enum wire_trial_kind {
	WIRE_TRIAL_FAMILY = 1, /* open a socket of a family: "IPv4", "IPv6" */
	WIRE_TRIAL_FILE,       /* open a file to read */
	WIRE_TRIAL_ADDRESS,    /* send to an IPv4 or IPv6 address */
	WIRE_TRIAL_KIND_MAX = WIRE_TRIAL_ADDRESS,
};

enum wire_outcome {
	WIRE_NOT_TRIED = 0,
	WIRE_REFUSED, /* as it should be */
	WIRE_OPEN,    /* it can be done */
	WIRE_UNKNOWN, /* neither could be shown */
	WIRE_OUTCOME_MAX = WIRE_UNKNOWN,
};

/**
 * struct wire_trial - one thing that a program's sandbox must keep it from, see common/sandbox.h
 * @kind: enum wire_trial_kind
 * @outcome: enum wire_outcome
 * @error: errno of the attempt, 0 none
 * @target: NUL-terminated
 */
struct wire_trial {
	uint16_t kind;
	uint16_t outcome;
	int32_t error;
	char target[WIRE_HOST_MAX];
};

#define WIRE_TRIALS_MAX 32 /* in one packet */

#define WIRE_ANSWER_MAX 1024
#define WIRE_ERROR_MAX	512

/**
 * wire_listen() - the core's end: a non-blocking listening socket at @path
 *
 * An old socket file is replaced; the new one has mode 0660.
 * Return: descriptor, owned by the caller; -EADDRINUSE somebody serves it; -ENAMETOOLONG;
 *   -errno.
 */
int wire_listen(const char *path);

/** wire_connect() - a client's end. Return: non-blocking descriptor; -errno. */
int wire_connect(const char *path);

/**
 * wire_accept() - take one connection and check who it is
 * @uid: peers of this user, of the core's own user and root are let in; (uid_t)-1: none more
 *
 * Return: non-blocking descriptor; -EAGAIN none waiting; -EPERM peer refused (and closed);
 *   -errno.
 */
int wire_accept(int listener, uint32_t uid);

/**
 * wire_send() - send one packet; fills in @packet's length
 * @packet: begins with a struct wire_header
 * Return: 0; -EAGAIN the peer does not read at present; -EMSGSIZE; -errno.
 */
int wire_send(int fd, void *packet, size_t n);

/**
 * wire_receive() - take one packet
 * @packet: room for WIRE_PACKET_MAX bytes
 *
 * Checks the header: length as received, known type, and the size that the type and its
 * count demand (wire_check()).
 * Return: bytes, > 0; 0 the peer has closed; -EAGAIN none waiting; -EBADMSG malformed;
 *   -errno.
 */
int wire_receive(int fd, void *packet);

/**
 * wire_check() - is this a well-formed packet? No I/O: this is what the fuzzer feeds.
 * Return: 0; -EBADMSG.
 */
int wire_check(const void *packet, size_t n);

/** wire_hello_init() - fill a hello; draws no random number, reads the boot id */
void wire_hello_init(struct wire_hello *hello, enum wire_role role, uint64_t instance);

/** wire_hello_check() - 0; -EPROTO with *@ret_why set to a sentence without a full stop */
int wire_hello_check(const struct wire_hello *hello, enum wire_role role, const char **ret_why);

/**
 * wire_next_reading() - walk through a READINGS packet that wire_check() has passed
 * @offset: 0 at first; moved on
 * Return: the next reading, its registers behind it; NULL at the end.
 */
const struct wire_reading *wire_next_reading(const void *packet, size_t *offset);

/** wire_reading_words() - the registers of a reading */
static inline const uint16_t *wire_reading_words(const struct wire_reading *reading)
{
	return (const uint16_t *)(const void *)(reading + 1);
}

/** wire_status_text() - "no answer in time", … for people and for entries */
const char *wire_status_text(enum wire_status status);

/** wire_uid_of() - number of a system user for wire_accept(); UINT32_MAX: there is none */
uint32_t wire_uid_of(const char *user);
