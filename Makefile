# SPDX-License-Identifier: Apache-2.0
# wastewatch: build, check, install. "make help" lists the targets.

B ?= build
CC ?= cc
PYTHON ?= /usr/bin/python3
CFLAGS ?= -O2 -g
WERROR ?= -Werror

prefix ?= /usr
sysconfdir ?= /etc
bindir ?= $(prefix)/bin
libexecdir ?= $(prefix)/libexec/wastewatch
sbindir ?= $(prefix)/sbin
unitdir ?= /lib/systemd/system
sysusersdir ?= $(prefix)/lib/sysusers.d
catalogdir ?= $(prefix)/lib/systemd/catalog
datadir ?= $(prefix)/share

VERSION := $(shell sed -n 's/^## \([0-9.]*\).*/\1/p' NEWS.md 2>/dev/null | head -n 1)
PROGRAMS := wastewatchd wastewatch-poller wastewatch-sender wastewatch wastewatch-sim wastewatch-receiver

# The user's CFLAGS come last, so that they win.
is_clang := $(findstring clang,$(shell $(CC) --version 2>/dev/null))
warnings := -Wall -Wextra -Wformat=2 -Wconversion -Wsign-conversion -Wshadow -Wvla -Walloca -Wundef \
	-Wswitch-enum -Wnull-dereference -Wdouble-promotion -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wcast-qual -Wwrite-strings -Wimplicit-fallthrough
hardening := -fstack-protector-strong -fstack-clash-protection -fcf-protection=full -fPIE \
	-fno-delete-null-pointer-checks -fno-strict-overflow
ifeq ($(is_clang),)
warnings += -Wlogical-op -Wduplicated-cond -Wduplicated-branches -Wformat-overflow=2 -Wtrampolines
hardening += -ftrivial-auto-var-init=zero -fzero-call-used-regs=used-gpr
endif
ifeq ($(SANITIZE),)
hardening += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
else
hardening += -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
endif
flags := -std=gnu17 -D_GNU_SOURCE -DWASTEWATCH_VERSION='"$(VERSION)"' -Iinclude $(warnings) $(WERROR) \
	$(hardening) -MMD -MP
ldflags := -pie -Wl,-z,relro,-z,now,-z,nodlopen,-z,noexecstack $(if $(SANITIZE),-fsanitize=$(SANITIZE))

pkg = $(shell pkg-config --libs $(1) 2>/dev/null)
libs_poller := libmodbus libsystemd
libs_core := libsystemd sqlite3 libcrypto jansson yaml-0.1
libs_sender := libcurl libsystemd
libs_receiver := libmicrohttpd libcrypto jansson sqlite3

objs = $(patsubst %.c,$(B)/obj/%.o,$(1))
common_o := $(call objs,$(wildcard daemon/common/*.c))
poller_o := $(call objs,$(filter-out %/main.c,$(wildcard daemon/poller/*.c)))
core_o := $(call objs,$(filter-out %/main.c,$(wildcard daemon/core/*.c)))
sender_o := $(call objs,$(filter-out %/main.c,$(wildcard daemon/sender/*.c)))
sim_o := $(call objs,$(filter-out %/main.c,$(wildcard tools/sim/*.c)))
receiver_o := $(call objs,$(filter-out %/main.c,$(wildcard tools/receiver/*.c)))
command_o := $(call objs,$(wildcard tools/wastewatch/*.c))

.PHONY: all
all: $(PROGRAMS:%=$(B)/%)

$(B)/wastewatchd: $(call objs,daemon/core/main.c) $(core_o) $(common_o)
	$(CC) $(ldflags) $(CFLAGS) $(LDFLAGS) -pthread -o $@ $^ $(call pkg,$(libs_core)) -lm
$(B)/wastewatch-poller: $(call objs,daemon/poller/main.c) $(poller_o) $(common_o)
	$(CC) $(ldflags) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(call pkg,$(libs_poller))
$(B)/wastewatch-sender: $(call objs,daemon/sender/main.c) $(sender_o) $(common_o)
	$(CC) $(ldflags) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(call pkg,$(libs_sender))
$(B)/wastewatch: $(command_o) $(core_o) $(common_o)
	$(CC) $(ldflags) $(CFLAGS) $(LDFLAGS) -pthread -o $@ $^ $(call pkg,$(libs_core)) -lm
# The simulator reads the core's configuration, so it takes the core's modules.
$(B)/wastewatch-sim: $(call objs,tools/sim/main.c) $(sim_o) $(core_o) $(common_o)
	$(CC) $(ldflags) $(CFLAGS) $(LDFLAGS) -pthread -o $@ $^ $(call pkg,$(libs_core)) -lm
$(B)/wastewatch-receiver: $(call objs,tools/receiver/main.c) $(receiver_o) $(common_o)
	$(CC) $(ldflags) $(CFLAGS) $(LDFLAGS) -pthread -o $@ $^ $(call pkg,$(libs_receiver))

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(flags) $(CFLAGS) -c -o $@ $<

# Unit tests: one program per file of tests/unit; it may use every module of the project
# except the main files.
unit_tests := $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/test_*.c))
$(B)/unit/%: $(B)/obj/tests/unit/%.o $(core_o) $(poller_o) $(sender_o) $(sim_o) $(receiver_o) $(common_o)
	@mkdir -p $(@D)
	$(CC) $(ldflags) $(CFLAGS) $(LDFLAGS) -pthread -o $@ $^ \
		$(call pkg,cmocka $(libs_core) $(libs_poller) $(libs_sender) libmicrohttpd) -lm
.PRECIOUS: $(B)/obj/%.o

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
