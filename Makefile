# SPDX-License-Identifier: Apache-2.0
# wastewatch: build, check, install. "make help" lists the targets.

B ?= build
CC ?= cc
PYTHON ?= /usr/bin/python3
CFLAGS ?= -O2 -g
WERROR ?= -Werror
JOBS ?= $(shell nproc)
V ?=
T ?= 60

prefix ?= /usr
sysconfdir ?= /etc
bindir ?= $(prefix)/bin
libexecdir ?= $(prefix)/libexec/wastewatch
sbindir ?= $(prefix)/sbin
unitdir ?= /lib/systemd/system
sysusersdir ?= $(prefix)/lib/sysusers.d
catalogdir ?= $(prefix)/lib/systemd/catalog
datadir ?= $(prefix)/share
dbuspolicydir ?= $(datadir)/dbus-1/system.d
dbusinterfacedir ?= $(datadir)/dbus-1/interfaces
polkitactiondir ?= $(datadir)/polkit-1/actions
polkitruledir ?= $(datadir)/polkit-1/rules.d
docdir ?= $(datadir)/doc/wastewatch
mandir ?= $(datadir)/man
completiondir ?= $(datadir)/bash-completion/completions
profiledir ?= $(datadir)/wastewatch/profiles
boundarydir ?= $(datadir)/wastewatch/boundaries
drilldir ?= $(datadir)/wastewatch/drills
schemadir ?= $(datadir)/wastewatch/schema
localedir ?= $(datadir)/locale
limitdir ?= $(datadir)/wastewatch/limits

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
defines := -D_GNU_SOURCE -DWASTEWATCH_VERSION='"$(VERSION)"' \
	-DWASTEWATCH_LIMITS='"$(limitdir)"' \
	-DWASTEWATCH_BOUNDARIES='"$(boundarydir)"' \
	-DWASTEWATCH_DRILLS='"$(drilldir)"' \
	-DWASTEWATCH_PROFILES='"$(profiledir)"' -Iinclude
# Without SLP: it reads the two halves of a struct stamp, just stored, as one and waits for them.
flags := -std=gnu17 -fno-tree-slp-vectorize $(defines) $(warnings) $(WERROR) \
	$(hardening) -MMD -MP
ldflags := -pie -Wl,-z,relro,-z,now,-z,nodlopen,-z,noexecstack $(if $(SANITIZE),-fsanitize=$(SANITIZE))

# one short line per step; V=1 shows the whole commands
run = $(if $(V),,@printf '  %-5s %s\n' $(1) $@;)

pkg = $(shell pkg-config --libs $(1) 2>/dev/null)
# where headers lie in a directory of their own
includes := $(patsubst -I%,-isystem %,$(shell pkg-config --cflags-only-I libxml-2.0 2>/dev/null))
libs_poller := libmodbus libsystemd
libs_core := libsystemd sqlite3 libcrypto jansson yaml-0.1 libxml-2.0
libs_sender := libcurl libsystemd
libs_receiver := libmicrohttpd libcrypto jansson sqlite3 libxml-2.0
libs_all := $(libs_core) $(libs_poller) $(libs_sender) $(libs_receiver)

# Debian 12 packages; "make deps" installs what is missing of the first two lines.
packages_build := gcc libc6-dev make pkg-config libmodbus-dev libsystemd-dev libcurl4-openssl-dev \
	libsqlite3-dev libssl-dev libjansson-dev libyaml-dev libmicrohttpd-dev libxml2-dev gettext
packages_check := libcmocka-dev clang python3-pytest python3-pytest-xdist python3-pymodbus \
	python3-serial-asyncio python3-jsonschema python3-yaml libxml2-utils \
	mandoc python3-prometheus-client debhelper dpkg-dev fakeroot git strace e2fsprogs \
	sqlite3 openssl systemd systemd-container debootstrap util-linux mount iproute2 \
	dbus-daemon dbus-bin python3-gi gir1.2-glib-2.0 libglib2.0-bin polkitd \
	vsftpd openssh-server openssh-client python3-pyftpdlib
packages_lint := clang clang-format clang-tidy cppcheck shellcheck systemd libcmocka-dev python3 \
	libxml2-utils polkitd

packages_deb := debhelper dpkg-dev lintian fakeroot git

objs = $(patsubst %.c,$(B)/obj/%.o,$(1))
common_o := $(call objs,$(wildcard daemon/common/*.c))
poller_o := $(call objs,$(filter-out %/main.c,$(wildcard daemon/poller/*.c)))
core_o := $(call objs,$(filter-out %/main.c,$(wildcard daemon/core/*.c))) $(B)/obj/po/vi.o
sender_o := $(call objs,$(filter-out %/main.c,$(wildcard daemon/sender/*.c)))
sim_o := $(call objs,$(filter-out %/main.c,$(wildcard tools/sim/*.c)))
receiver_o := $(call objs,$(filter-out %/main.c,$(wildcard tools/receiver/*.c)))
command_o := $(call objs,$(wildcard tools/wastewatch/*.c))

.PHONY: all
all: ## build the programs into build/ (B=DIR: into another directory)
all: $(PROGRAMS:%=$(B)/%) $(B)/man/wastewatch.yaml.5

$(B)/wastewatchd: $(call objs,daemon/core/main.c) $(core_o) $(common_o)
	$(call run,LINK) $(CC) $(ldflags) $(CFLAGS) $(LDFLAGS) -pthread -o $@ $^ $(call pkg,$(libs_core)) -lm
$(B)/wastewatch-poller: $(call objs,daemon/poller/main.c) $(poller_o) $(common_o)
	$(call run,LINK) $(CC) $(ldflags) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(call pkg,$(libs_poller))
$(B)/wastewatch-sender: $(call objs,daemon/sender/main.c) $(sender_o) $(common_o)
	$(call run,LINK) $(CC) $(ldflags) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(call pkg,$(libs_sender))
# The command reads the configuration like the core and registers like the poller.
$(B)/wastewatch: $(command_o) $(core_o) $(poller_o) $(common_o)
	$(call run,LINK) $(CC) $(ldflags) $(CFLAGS) $(LDFLAGS) -pthread -o $@ $^ \
		$(call pkg,$(libs_core) libmodbus) -lm
# The simulator reads the core's configuration, so it takes the core's modules.
$(B)/wastewatch-sim: $(call objs,tools/sim/main.c) $(sim_o) $(core_o) $(common_o)
	$(call run,LINK) $(CC) $(ldflags) $(CFLAGS) $(LDFLAGS) -pthread -o $@ $^ $(call pkg,$(libs_core)) -lm
$(B)/wastewatch-receiver: $(call objs,tools/receiver/main.c) $(receiver_o) $(common_o)
	$(call run,LINK) $(CC) $(ldflags) $(CFLAGS) $(LDFLAGS) -pthread -o $@ $^ $(call pkg,$(libs_receiver))

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call run,CC) $(CC) $(flags) $(includes) $(CFLAGS) -c -o $@ $<

# Where the installed files are is compiled in: "make install prefix=/usr/local" after a plain "make"
# compiles anew what knows it.
paths := $(limitdir) $(boundarydir) $(drilldir) $(profiledir)
path_o := $(call objs,$(shell grep -lE 'WASTEWATCH_(LIMITS|BOUNDARIES|DRILLS|PROFILES)' daemon/*/*.c tools/*/*.c))
$(path_o): $(B)/paths
.PHONY: FORCE
FORCE:
$(B)/paths: FORCE
	@mkdir -p $(@D)
	@echo '$(paths)' | cmp -s - $@ || echo '$(paths)' >$@

# --- manual pages; what wastewatch.yaml(5) says of keys comes from the tables they are held against ---

manuals := $(notdir $(wildcard tools/man/*.[1-8])) wastewatch.yaml.5
$(B)/manual-keys: $(call objs,tools/manual/keys.c) $(core_o) $(common_o)
	$(call run,LINK) $(CC) $(ldflags) $(CFLAGS) $(LDFLAGS) -pthread -o $@ $^ $(call pkg,$(libs_core)) -lm
$(B)/man/wastewatch.yaml.5: tools/man/wastewatch.yaml.5.in $(B)/manual-keys
	@mkdir -p $(@D)
	$(call run,MAN) while IFS= read -r line; do case $$line in \
		"@keys "*) $(B)/manual-keys "$${line#@keys }" || exit 1 ;; \
		*) printf '%s\n' "$$line" ;; esac; done <$< >$@.new && mv $@.new $@

# --- translations: what reports say, in Vietnamese ------------------------------------------
# The compiled catalogue is part of the core (include/core/catalogue.h says why); it is installed,
# too, so that gettext(1) and other programs find the same words.

# What people read. Probe, replay and plan, for who commissions a plant and for tests, speak English.
texts := $(wildcard daemon/core/cap*.c daemon/core/catalogue*.c) daemon/core/crossing.c daemon/core/limit.c daemon/core/standard_check.c $(filter-out $(addprefix \
	tools/wastewatch/,probe% replay% plan.c metrics.c),$(wildcard tools/wastewatch/*.c))
text_words := N_ tr trn:1,2 say:1 say_to:2 say_wrong:1 command_fail:1 attend:4 assess_wrong:2 warn:4
$(B)/po/wastewatch.pot: $(texts)
	@mkdir -p $(@D)
	$(call run,POT) xgettext --from-code=UTF-8 --language=C --keyword \
		$(text_words:%=--keyword=%) --flag=tr:1:pass-c-format --flag=trn:1:pass-c-format \
		--flag=trn:2:pass-c-format --flag=say:1:c-format --flag=say_to:2:c-format \
		--flag=say_wrong:1:c-format --flag=command_fail:1:c-format --flag=attend:4:c-format --flag=assess_wrong:2:c-format --flag=warn:4:c-format --sort-output --no-location \
		--package-name=wastewatch --copyright-holder="the authors of wastewatch" \
		--output=- $(texts) | sed -e '/^"POT-Creation-Date:/d' -e 's/=CHARSET/=UTF-8/' >$@
$(B)/po/vi.mo: po/vi.po
	@mkdir -p $(@D)
	$(call run,MO) msgfmt --check --output-file=$@ $<
$(B)/po/vi.c: $(B)/po/vi.mo
	$(call run,GEN) { echo '#include <stddef.h>'; echo '#include <stdint.h>'; \
		echo 'extern const uint8_t catalogue_vi[];'; echo 'extern const size_t catalogue_vi_size;'; \
		echo 'const uint8_t catalogue_vi[] = {'; od -An -v -tu1 $< | sed 's/ *\([0-9][0-9]*\)/\1,/g'; \
		echo '};'; echo 'const size_t catalogue_vi_size = sizeof(catalogue_vi);'; } >$@
$(B)/obj/po/vi.o: $(B)/po/vi.c
	@mkdir -p $(@D)
	$(call run,CC) $(CC) $(flags) $(CFLAGS) -c -o $@ $<

.PHONY: po check-po
po: ## collect the texts of reports anew: po/wastewatch.pot, and po/vi.po to be completed
po: $(B)/po/wastewatch.pot
	@cp $< po/wastewatch.pot
	@msgmerge --quiet --update --backup=none --sort-output po/vi.po po/wastewatch.pot

check-po: ## every text of a report is in the template and translated, none is fuzzy
check-po: $(B)/po/wastewatch.pot
	@cmp -s $< po/wastewatch.pot || { echo "po/wastewatch.pot is out of date: make po" >&2; exit 1; }
	@msgfmt --check --output-file=/dev/null po/vi.po
	@msgcmp po/vi.po po/wastewatch.pot

# --- tests ---------------------------------------------------------------------------------

# Unit tests: one program per file of tests/unit. They may use every module except the main
# files; from an archive, so that a test takes what it needs and programs' names never clash.
unit_tests := $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/test_*.c))
probe_o := $(call objs,$(wildcard tools/wastewatch/probe_*.c) tools/wastewatch/replay_csv.c \
	tools/wastewatch/export_read.c tools/wastewatch/export_csv.c \
	$(addprefix tools/wastewatch/,chart.c progress.c say.c times.c))
modules_o := $(core_o) $(poller_o) $(sender_o) $(sim_o) $(receiver_o) $(probe_o) $(common_o)
$(B)/modules.a: $(modules_o)
	@rm -f $@
	$(call run,AR) $(AR) rcs $@ $^
$(B)/unit/%: $(B)/obj/tests/unit/%.o $(B)/obj/tests/unit/load.o $(B)/modules.a
	@mkdir -p $(@D)
	$(call run,LINK) $(CC) $(ldflags) $(CFLAGS) $(LDFLAGS) -pthread -o $@ $^ $(call pkg,cmocka $(libs_all)) -lm
$(B)/bench/%: $(B)/obj/tests/bench/%.o $(B)/modules.a
	@mkdir -p $(@D)
	$(call run,LINK) $(CC) $(ldflags) $(CFLAGS) $(LDFLAGS) -pthread -o $@ $^ $(call pkg,$(libs_all)) -lm
# What breaks things: programs of tests/faults, and what is loaded into the product's.
faults_programs := $(addprefix $(B)/faults/,driver crashes alloc)
faults_preloads := $(addprefix $(B)/faults/,failing.so nosync.so noask.so nothread.so notimer.so wallclock.so)
faults_o := $(call objs,tests/faults/life.c tests/faults/mark.c tests/faults/torn.c)
$(B)/faults/%: $(B)/obj/tests/faults/%.o $(faults_o) $(B)/modules.a
	@mkdir -p $(@D)
	$(call run,LINK) $(CC) $(ldflags) $(CFLAGS) $(LDFLAGS) -pthread -o $@ $^ $(call pkg,$(libs_all)) -lm
$(B)/faults/alloc: $(call objs,tests/faults/failing.c)
$(B)/faults/%.so: tests/faults/%.c
	@mkdir -p $(@D)
	$(call run,CC) $(CC) -std=gnu17 -D_GNU_SOURCE $(warnings) $(WERROR) -O2 -g -fPIC -shared -o $@ $<
fuzz_targets := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))
corpus_tests := $(fuzz_targets:%=$(B)/corpus/%)
$(B)/corpus/%: $(B)/obj/tests/fuzz/%.o $(B)/obj/tests/corpus/main.o $(B)/modules.a
	@mkdir -p $(@D)
	$(call run,LINK) $(CC) $(ldflags) $(CFLAGS) $(LDFLAGS) -pthread -o $@ $^ $(call pkg,$(libs_all)) -lm
.PRECIOUS: $(B)/obj/%.o

run_tests = B="$(B)" PYTHON="$(PYTHON)" SANITIZE="$(SANITIZE)" tests/run.sh
# -j of one's own where none was given
parallel = $(MAKE) --no-print-directory $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(JOBS))

.PHONY: check check-parts check-unit check-corpus check-scenario check-system check-faults
.PHONY: check-clang check-asan check-valgrind
check: ## everything that CI runs; installs missing Debian packages when root
	@$(MAKE) --no-print-directory deps
	+@$(parallel) all check-programs
	@rm -rf $(B)/check
	@$(MAKE) --no-print-directory -k -j1 check-parts; status=$$?; $(run_tests) total; exit $$status
check-parts: check-clang check-po check-unit check-corpus check-scenario check-system check-faults

.PHONY: check-programs
check-programs: $(unit_tests) $(corpus_tests) $(faults_programs) $(faults_preloads)

check-unit: ## unit tests (cmocka)
check-unit: $(unit_tests)
	@$(run_tests) unit $(sort $(unit_tests))

check-corpus: ## the fuzzers' corpora, without a fuzzer
check-corpus: $(corpus_tests)
	@$(run_tests) corpus $(sort $(corpus_tests))

check-scenario: ## the whole core in simulated time, from text files
check-scenario: all
	@$(run_tests) pytest tests/scenario

check-system: ## real programs, simulator, receiver and a real systemd (pytest)
check-system: all
	@$(run_tests) pytest tests/system

check-faults: ## faults of the system below, a sample of all points; LONG=1: every one
check-faults: all $(faults_programs) $(faults_preloads)
	@LONG="$(LONG)" $(run_tests) pytest tests/faults

.PHONY: soak fault-table fault-figures
soak: ## a plant for 8 hours (T= seconds): memory and descriptors must stay flat
soak: all
	@B=$(B) $(PYTHON) tests/faults/soak.py $(if $(filter command line,$(origin T)),$(T),28800)

fault-table: ## write tests/faults/README.md anew, from the tests
	@$(PYTHON) tests/faults/fault_table.py --write
fault-figures: ## the same with the figures of this tree's last check-faults, fuzz and coverage
	@$(PYTHON) tests/faults/fault_table.py --write --figures $(B)/faults $(B)-fuzz $(B)-coverage
# date, command and versions: how each file begins that "make fault-figures" reads
figures_of = { date +%F; echo '$(1)'; for program in $(2); do $$program --version | head -n 1; done; echo; }

check-clang: ## build everything with clang as well
	+@$(parallel) B=$(B)-clang CC=clang all check-programs

check-asan: ## unit and system tests with the address and undefined-behaviour sanitizers
	+@$(parallel) B=$(B)-asan SANITIZE=address,undefined all check-programs
	@$(MAKE) --no-print-directory -k -j1 B=$(B)-asan SANITIZE=address,undefined \
		check-unit check-corpus check-scenario check-system

check-valgrind: ## unit tests under valgrind
check-valgrind: $(unit_tests)
	@tools/deps.sh valgrind
	@ALARM_STEPS=20000 $(run_tests) valgrind $(sort $(unit_tests))

.PHONY: analyze analyze-parts
analyze: ## gcc's -fanalyzer over daemon/; what it is wrong about is in tools/analyzer.txt
	@tools/deps.sh $(packages_build)
	+@$(parallel) B=$(B)-analyze CC=gcc WERROR= CFLAGS="-O1 -fanalyzer" analyze-parts
	@$(PYTHON) tools/analyzer.py tools/analyzer.txt $(B)-analyze
# its warnings are kept beside each object, for the next time it is not compiled anew
analyze_o := $(patsubst %.c,$(B)/analyze/%.o,$(wildcard daemon/*/*.c))
analyze-parts: $(analyze_o)
$(B)/analyze/%.o: %.c
	@mkdir -p $(@D)
	$(call run,CC) $(CC) $(flags) $(includes) $(CFLAGS) -c -o $@ $< 2>$@.log || { cat $@.log; exit 1; }

.PHONY: check-tsan
check-tsan: ## the thread of the journal under the thread sanitizer
	+@$(parallel) B=$(B)-tsan SANITIZE=thread $(B)-tsan/unit/test_journal
	@$(MAKE) --no-print-directory B=$(B)-tsan SANITIZE=thread unit_tests=$(B)-tsan/unit/test_journal check-unit

.PHONY: coverage coverage-all-branches check-branches
coverage: ## lines and branches that unit, scenario and system tests reach
	@tools/deps.sh gcovr
	@rm -rf $(B)-coverage
	+@$(parallel) B=$(B)-coverage CFLAGS="-O1 -g --coverage -fprofile-update=atomic" all check-programs
	@$(MAKE) --no-print-directory -k -j1 B=$(B)-coverage \
		CFLAGS="-O1 -g --coverage -fprofile-update=atomic" check-unit check-scenario check-system
	gcovr --root . --object-directory $(B)-coverage --exclude-unreachable-branches \
		--filter daemon/ --filter tools/ --txt $(B)-coverage/coverage.txt --print-summary
	@echo "the gates, over daemon/: 90 % of the lines, 80 % of the branches"
	@$(call figures_of,make coverage,gcovr $(CC)) >$(B)-coverage/gates.txt
	gcovr --root . --object-directory $(B)-coverage --exclude-unreachable-branches \
		--filter daemon/ --fail-under-line 90 --fail-under-branch 80 --print-summary >>$(B)-coverage/gates.txt || \
		{ tail -n 3 $(B)-coverage/gates.txt; exit 1; }
	@tail -n 3 $(B)-coverage/gates.txt
	@$(MAKE) --no-print-directory coverage-all-branches branches_by="make coverage"
# the chain (its hash, its heads, what verifies it), the outbox' decisions, the decoding of registers
branches_by ?= make check-branches
all_branches := hash head verify outbox decode
branch_tests := $(patsubst %,$(B)-coverage/unit/test_%,hash record record_aside verify outbox decode)
coverage-all-branches:
	@echo "the gate of $(all_branches): all branches"
	@$(call figures_of,$(branches_by),gcovr $(CC)) >$(B)-coverage/all-branches.txt
	@gcovr --root . --object-directory $(B)-coverage --exclude-unreachable-branches \
		--filter 'daemon/core/($(subst $() ,|,$(all_branches)))\.c' --branches --fail-under-branch 100 \
		--print-summary >>$(B)-coverage/all-branches.txt; status=$$?; \
		tail -n +5 $(B)-coverage/all-branches.txt; exit $$status
# the same from the unit tests alone, in a minute or two
check-branches: ## unit tests of chain, outbox and decoding reach every branch of these
	@tools/deps.sh gcovr
	+@$(parallel) B=$(B)-coverage CFLAGS="-O1 -g --coverage -fprofile-update=atomic" \
		$(branch_tests)
	@find $(B)-coverage -name '*.gcda' -delete
	@$(run_tests) unit $(branch_tests)
	@$(MAKE) --no-print-directory coverage-all-branches

.PHONY: bench
bench_programs := $(patsubst tests/bench/%.c,$(B)/bench/%,$(wildcard tests/bench/*.c))
bench: ## speed and memory against the budgets, as one table; STRICT=1: fails where one is over
	@tools/deps.sh $(packages_build) collectd-core python3
	+@$(parallel) all $(bench_programs)
	$(PYTHON) tests/bench/bench.py --build $(B) $(if $(STRICT),--strict)

# --- fuzzing: one target per file of tests/fuzz, with clang's libFuzzer ---------------------

.PHONY: fuzz fuzz-programs
fuzz-programs: $(fuzz_targets:%=$(B)/fuzz/%)
$(B)/fuzz/%: $(B)/obj/tests/fuzz/%.o $(B)/modules.a
	@mkdir -p $(@D)
	$(call run,LINK) $(CC) $(ldflags) -fsanitize=fuzzer $(CFLAGS) $(LDFLAGS) -pthread -o $@ $^ \
		$(call pkg,$(libs_all)) -lm
fuzz: ## feed random bytes to what reads foreign ones, T=60 seconds per target
	@tools/deps.sh $(packages_build) clang
	+@$(parallel) B=$(B)-fuzz CC=clang SANITIZE=fuzzer-no-link,address,undefined fuzz-programs
	@rm -f $(B)-fuzz/*.log
	@set -e; for target in $(fuzz_targets); do \
		mkdir -p $(B)-fuzz/corpus/$$target; log=$(B)-fuzz/$$target.log; \
		echo "fuzz $$target for $(T) s"; \
		$(call figures_of,make fuzz T=$(T),clang) >$$log; \
		$(B)-fuzz/fuzz/$$target -max_total_time=$(T) -timeout=5 -rss_limit_mb=1024 \
			-print_final_stats=1 -artifact_prefix=$(B)-fuzz/$$target- \
			$(B)-fuzz/corpus/$$target $$(find tests/fuzz/corpus -mindepth 1 -maxdepth 1 -name $$target) \
			>>$$log 2>&1 || { cat $$log; exit 1; }; \
		sed -n 's/^stat::number_of_executed_units: */  executions: /p' $$log; \
	done

# --- lint ----------------------------------------------------------------------------------

c_sources := $(sort $(wildcard daemon/*/*.c tools/*/*.c tests/*/*.c))
c_headers := $(sort $(wildcard include/*/*.h tests/*/*.h))
scripts := $(sort $(wildcard tools/*.sh tests/*.sh tests/*/*.sh systemd/*.sh .ci/run \
	tools/debian/*.postinst tools/debian/*.prerm tools/debian/*.postrm))
units := $(patsubst systemd/%.in,%,$(wildcard systemd/*.service.in)) $(notdir $(wildcard systemd/*.socket))

.PHONY: lint lint-parts lint-format lint-tree lint-tidy lint-cppcheck lint-shell lint-units lint-xml
lint: ## format, layers, lone headers, sizes, clang-tidy, cppcheck, shellcheck, units
	@tools/deps.sh $(packages_build) $(packages_lint)
	+@$(parallel) all
	+@$(parallel) -k lint-parts
	@echo "lint: clean"
lint-parts: lint-format lint-tree lint-tidy lint-cppcheck lint-shell lint-units lint-xml
lint-format:
	@clang-format --dry-run -Werror $(c_sources) $(c_headers)
lint-tree: all
	@$(PYTHON) tools/lint.py --build $(B) --cc "$(CC)"
tidy_stamps := $(c_sources:%=$(B)/tidy/%.ok)
lint-tidy: $(tidy_stamps)
$(B)/tidy/%.ok: % .clang-tidy tests/.clang-tidy $(c_headers)
	@mkdir -p $(@D)
	@clang-tidy --quiet --warnings-as-errors='*' $< -- -std=gnu17 $(defines) $(includes) >$@.log 2>&1 || { cat $@.log; exit 1; }
	@touch $@
lint-cppcheck:
	@mkdir -p $(B)/cppcheck
	@cppcheck --quiet --enable=warning,style,performance,portability --inline-suppr \
		--suppressions-list=tools/cppcheck.txt --error-exitcode=1 --std=c11 \
		--library=posix --library=gnu --library=tools/cppcheck.cfg --cppcheck-build-dir=$(B)/cppcheck -j $(JOBS) \
		-D_GNU_SOURCE -DWASTEWATCH_VERSION='"$(VERSION)"' -Iinclude daemon tools tests
lint-shell:
	@shellcheck $(scripts)
# what polkit and the bus read; where the document types are installed, against these
lint-xml:
	@xmllint --noout --nonet --nowarning systemd/interfaces/*.xml systemd/vn.wastewatch1.conf
	@XML_CATALOG_FILES=$(polkit_catalog) xmllint --noout --nonet \
		$(if $(wildcard $(polkit_catalog)),--valid) systemd/vn.wastewatch1.policy
polkit_catalog := /usr/share/xml/polkit-1/catalog.xml
# The units name installed programs; for the check they name the ones just built.
lint-units: all
	@rm -rf $(B)/lint-units
	@$(MAKE) --no-print-directory -s B=$(B) bindir=$(abspath $(B)) sbindir=$(abspath $(B)) \
		libexecdir=$(abspath $(B)) UNITS=$(B)/lint-units units
	@cp systemd/restart-others.sh $(B)/restart-others
	@systemd-analyze verify --man=no $(units:%=$(B)/lint-units/%)
	@systemd-analyze security --offline=true --no-pager --threshold=5 \
		$(B)/lint-units/wastewatchd.service >$(B)/lint-units/core.txt || \
		{ tail -n 1 $(B)/lint-units/core.txt; exit 1; }
	@for unit in poller sender; do \
		systemd-analyze security --offline=true --no-pager --threshold=15 \
			$(B)/lint-units/wastewatch-$$unit.service >$(B)/lint-units/$$unit.txt || \
			{ tail -n 1 $(B)/lint-units/$$unit.txt; exit 1; }; \
	done
	@tail -q -n 1 $(B)/lint-units/core.txt $(B)/lint-units/poller.txt $(B)/lint-units/sender.txt

# --- install -------------------------------------------------------------------------------

.PHONY: units
UNITS ?= $(B)/systemd
units:
	@mkdir -p $(UNITS)
	@for file in systemd/*.in; do name=$${file##*/}; \
		sed -e 's,@bindir@,$(bindir),g' -e 's,@sbindir@,$(sbindir),g' \
		-e 's,@libexecdir@,$(libexecdir),g' -e 's,@sysconfdir@,$(sysconfdir),g' \
		-e 's,@docdir@,$(docdir),g' $$file >$(UNITS)/$${name%.in}; \
	done
	@cp systemd/*.socket $(UNITS)/

installed := $(addprefix $(bindir)/,wastewatch wastewatch-sim wastewatch-receiver wastewatch-verify-export) \
	$(sbindir)/wastewatchd \
	$(addprefix $(libexecdir)/,wastewatch-poller wastewatch-sender restart-others) \
	$(addprefix $(unitdir)/,$(units)) $(sysusersdir)/wastewatch.conf \
	$(addprefix $(catalogdir)/,wastewatch.catalog wastewatch.vi.catalog) \
	$(dbuspolicydir)/vn.wastewatch1.conf $(completiondir)/wastewatch \
	$(addprefix $(dbusinterfacedir)/,$(notdir $(wildcard systemd/interfaces/*.xml))) \
	$(polkitactiondir)/vn.wastewatch1.policy $(polkitruledir)/vn.wastewatch1.rules \
	$(foreach page,$(manuals),$(mandir)/man$(patsubst .%,%,$(suffix $(page)))/$(page))
documents := README.md ARCHITECTURE.md NEWS.md SECURITY.md LICENSE

.PHONY: install uninstall
install: ## into DESTDIR, with prefix, sysconfdir, unitdir; keeps a configuration that is there
install: all units
	install -d $(addprefix $(DESTDIR),$(sort $(dir $(installed)))) $(DESTDIR)$(docdir)/examples/sites.d
	install -m 755 $(addprefix $(B)/,wastewatch wastewatch-sim wastewatch-receiver) $(DESTDIR)$(bindir)/
	install -m 755 tools/verify-export.sh $(DESTDIR)$(bindir)/wastewatch-verify-export
	install -m 755 $(B)/wastewatchd $(DESTDIR)$(sbindir)/
	install -m 755 $(B)/wastewatch-poller $(B)/wastewatch-sender $(DESTDIR)$(libexecdir)/
	install -m 755 systemd/restart-others.sh $(DESTDIR)$(libexecdir)/restart-others
	install -m 644 $(addprefix $(UNITS)/,$(units)) $(DESTDIR)$(unitdir)/
	install -m 644 systemd/sysusers.conf $(DESTDIR)$(sysusersdir)/wastewatch.conf
	install -m 644 systemd/catalog/*.catalog $(DESTDIR)$(catalogdir)/
	install -m 644 systemd/vn.wastewatch1.conf $(DESTDIR)$(dbuspolicydir)/
	install -m 644 systemd/interfaces/*.xml $(DESTDIR)$(dbusinterfacedir)/
	install -m 644 systemd/vn.wastewatch1.policy $(DESTDIR)$(polkitactiondir)/
	install -m 644 systemd/vn.wastewatch1.rules $(DESTDIR)$(polkitruledir)/
	install -m 644 tools/wastewatch/completion.bash $(DESTDIR)$(completiondir)/wastewatch
	for page in tools/man/*.[1-8] $(B)/man/*.5; do \
		install -m 644 $$page $(DESTDIR)$(mandir)/man$${page##*.}/ || exit 1; done
	install -m 644 $(wildcard $(documents) tools/doc/*.md) $(DESTDIR)$(docdir)/
	install -m 644 conf/*.yaml $(DESTDIR)$(docdir)/examples/
	install -m 644 conf/sites.d/*.yaml $(DESTDIR)$(docdir)/examples/sites.d/
	install -d $(DESTDIR)$(docdir)/systemd $(DESTDIR)$(profiledir)
	install -m 644 systemd/examples/*.conf $(DESTDIR)$(docdir)/systemd/
	install -m 644 conf/profiles/*.yaml $(DESTDIR)$(profiledir)/
	install -d $(DESTDIR)$(limitdir)
	install -m 644 conf/limits/*.yaml $(DESTDIR)$(limitdir)/
	install -d $(DESTDIR)$(boundarydir)
	install -m 644 conf/boundaries/* $(DESTDIR)$(boundarydir)/
	install -d $(DESTDIR)$(drilldir)
	install -m 644 conf/drills/*.yaml $(DESTDIR)$(drilldir)/
	install -d $(DESTDIR)$(schemadir)
	install -m 644 conf/schema/* $(DESTDIR)$(schemadir)/
	install -d $(DESTDIR)$(localedir)/vi/LC_MESSAGES
	install -m 644 $(B)/po/vi.mo $(DESTDIR)$(localedir)/vi/LC_MESSAGES/wastewatch.mo
	install -d $(DESTDIR)$(sysconfdir)/wastewatch/sites.d
	install -d -m 700 $(DESTDIR)$(sysconfdir)/wastewatch/credentials
	test -e $(DESTDIR)$(sysconfdir)/wastewatch/wastewatch.yaml || { \
		install -m 644 conf/*.yaml $(DESTDIR)$(sysconfdir)/wastewatch/ && \
		install -m 644 conf/sites.d/*.yaml $(DESTDIR)$(sysconfdir)/wastewatch/sites.d/; }
	@test -n "$(DESTDIR)" || echo "now: systemd-sysusers; systemctl daemon-reload;" \
		"systemctl reload dbus; journalctl --update-catalog; put the keys into $(sysconfdir)/wastewatch/credentials" \
		"(README.md); systemctl enable --now wastewatchd"

uninstall: ## removes what install put there; configuration, keys and record stay
	rm -f $(addprefix $(DESTDIR),$(installed))
	rm -f $(DESTDIR)$(localedir)/vi/LC_MESSAGES/wastewatch.mo
	rm -rf $(DESTDIR)$(docdir) $(DESTDIR)$(profiledir) $(DESTDIR)$(limitdir) $(DESTDIR)$(boundarydir) \
		$(DESTDIR)$(schemadir) $(DESTDIR)$(drilldir)
	-rmdir $(DESTDIR)$(dir $(profiledir))
	-rmdir $(DESTDIR)$(libexecdir)

# --- the rest ------------------------------------------------------------------------------

.PHONY: deps demo deb dist clean help
deps: ## install the Debian packages that are missing (root), or say which they are
	@tools/deps.sh $(packages_build) $(packages_check)

demo: ## a plant, a spill, the reports: watch the whole chain at work, in a minute
	@tools/deps.sh $(packages_build) openssl
	+@$(parallel) all
	@B=$(B) tools/demo.sh

deb: ## a Debian package in build/deb, judged by lintian
	@tools/deps.sh $(packages_build) $(packages_deb)
	@tools/deb.sh $(VERSION) $(B)/deb

dist: ## a source archive of the last commit
	@mkdir -p $(B)
	git archive --prefix=wastewatch-$(VERSION)/ -o $(B)/wastewatch-$(VERSION).tar.gz HEAD

clean: ## remove what was built
	rm -rf $(B) $(B)-clang $(B)-asan $(B)-tsan $(B)-coverage $(B)-fuzz $(B)-analyze

help: ## this list
	@echo "make [TARGET]... [B=DIR] [CC=clang] [CFLAGS=...] [SANITIZE=address,undefined]"
	@sed -n 's/^\([a-z-]*\): ## \(.*\)/\1\t\2/p' Makefile | while IFS='	' read -r target text; do \
		printf '  %-16s %s\n' "$$target" "$$text"; done

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
