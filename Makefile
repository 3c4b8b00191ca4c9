# SPDX-License-Identifier: Apache-2.0
# sandbox_runner: `make`, `make test`, `make check`, `make fuzz`, `make bench`, `make install`; see `make help`.
#
#   V=1                          show the commands
#   CC=clang                     another compiler (objects are kept apart)
#   SANITIZE=address,undefined   build with sanitizers; the binary is then $(BUILD)/sandbox_runner
#   DEVELOPER=1                  warnings are errors
#   RULES_SAMPLES=count          do not stop at samples of rules that fail (stop), only count them
VERSION := 0.1.0

CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif
AR ?= ar
PKG_CONFIG ?= pkg-config
PREFIX ?= /usr/local
DESTDIR ?=
SANITIZE ?=
FUZZ_SECONDS ?= 60
RULES_SAMPLES ?= stop

comma := ,
variant := $(notdir $(CC))$(if $(SANITIZE),-$(subst $(comma),-,$(SANITIZE)))
BUILD ?= build/$(variant)
# the everyday build leaves its binary at the root; variants keep theirs apart
BIN ?= $(if $(SANITIZE),$(BUILD)/sandbox_runner,sandbox_runner)

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s %s\n' $(1) $(2))

# ---- libraries: linked ones first, then those that are loaded at first use (headers only) or used while building
# pkg-config name:Debian package
LINKED := yaml-0.1:libyaml-dev jansson:libjansson-dev libmd:libmd-dev libpcre2-8:libpcre2-dev
LOADED := libarchive:libarchive-dev libcurl:libcurl4-openssl-dev libseccomp:libseccomp-dev libmicrohttpd:libmicrohttpd-dev sqlite3:libsqlite3-dev
ifeq ($(filter clean help,$(MAKECMDGOALS)),)
missing := $(strip $(foreach l,$(LINKED) $(LOADED),$(if $(shell $(PKG_CONFIG) --exists $(firstword $(subst :, ,$(l))) 2>/dev/null && echo y),,$(lastword $(subst :, ,$(l))))))
ifneq ($(missing),)
$(error missing: $(missing). On Debian or Ubuntu run: sudo apt-get install $(missing)  (or sudo scripts/install-deps))
endif
lib_names := $(foreach l,$(LINKED),$(firstword $(subst :, ,$(l))))
LIB_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(lib_names) $(foreach l,$(LOADED),$(firstword $(subst :, ,$(l)))))
# libmd as an archive, which guest_init takes anyway: of it one function is used, and a library costs 5 % of the program's start
LIB_LIBS := $(patsubst -lmd,-l:libmd.a,$(shell $(PKG_CONFIG) --libs $(lib_names))) -ldl
endif

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wpointer-arith -Wwrite-strings \
	-Wformat=2 -Wvla -Wundef -Wimplicit-fallthrough -Wno-format-nonliteral \
	$(if $(findstring clang,$(CC)),-Wno-gnu-variable-sized-type-not-at-end,-Wjump-misses-init -Wlogical-op) \
	-Werror=implicit-function-declaration -Werror=return-type -Werror=incompatible-pointer-types -Werror=format-security \
	$(if $(DEVELOPER),-Werror)
HARDEN := -fstack-protector-strong -fPIE -fcf-protection $(if $(findstring clang,$(CC)),,-fstack-clash-protection) \
	$(if $(SANITIZE),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$(if $(findstring clang,$(CC)),2,3))
OPT ?= -O2 -g
CFLAGS += -std=gnu17 $(OPT) $(WARN) $(HARDEN) $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer)
CPPFLAGS += -I. -D_GNU_SOURCE -DSANDBOX_RUNNER_VERSION='"$(VERSION)"' -ffile-prefix-map=$(CURDIR)/= $(LIB_CFLAGS)
LDFLAGS += -pie -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed $(if $(SANITIZE),-fsanitize=$(SANITIZE))

# ---- one archive per folder; the link line is the module map read downwards
base_src := $(wildcard runner/base/*.c)
shell_src := $(filter-out validators/shell/knowledge_programs_embed.c,$(wildcard validators/shell/*.c))
validators_src := $(filter-out validators/rules_embed.c,$(wildcard validators/*.c)) $(shell_src)
# guest_init is a program of its own, see below
guest_only := sandboxes/guest_init.c sandboxes/guest_look.c
guest_src := $(guest_only) sandboxes/guest_wire.c sandboxes/native_wire.c sandboxes/dns.c sandboxes/event.c sandboxes/observe.c $(wildcard sandboxes/init*.c) \
	$(filter-out sandboxes/lockdown_filter.c,$(wildcard sandboxes/lockdown*.c)) $(patsubst %,runner/base/%.c,clock digest error file mem strbuf)
sandboxes_src := $(filter-out sandboxes/lockdown_filter.c $(guest_only),$(wildcard sandboxes/*.c))
runner_src := $(wildcard runner/*.c)
cmd_src := $(filter-out cmd/main.c,$(wildcard cmd/*.c))
serve_src := $(wildcard cmd/serve/*.c)
# the page and the API's description, carried along as bytes
serve_data := $(patsubst %,$(BUILD)/%.o,$(wildcard cmd/serve/*.json cmd/serve/page/*))
obj = $(patsubst %.c,$(BUILD)/%.o,$(1))
embedded := $(patsubst %,$(BUILD)/%.o,$(wildcard runner/*.schema.json validators/*.schema.json))

libbase := $(BUILD)/libbase.a
libvalidators := $(BUILD)/libvalidators.a
libsandboxes := $(BUILD)/libsandboxes.a
librunner := $(BUILD)/librunner.a
libcmd := $(BUILD)/libcmd.a
below_base := $(libbase)
below_validators := $(libvalidators) $(libbase)
below_sandboxes := $(libsandboxes) $(libbase)
below_runner := $(librunner) $(libvalidators) $(libsandboxes) $(libbase)
below_cmd := $(libcmd) $(below_runner)
below_serve := $(below_cmd)

.PHONY: all
all: $(BIN)

$(libbase): $(call obj,$(base_src))
$(libvalidators): $(call obj,$(validators_src)) $(BUILD)/validators/rules_tables.o $(BUILD)/validators/shell/knowledge_programs_rows.o
$(libsandboxes): $(call obj,$(sandboxes_src)) $(BUILD)/sandboxes/lockdown_filter.o $(BUILD)/guest/program.o
$(librunner): $(call obj,$(runner_src)) $(embedded)
$(libcmd): $(call obj,$(cmd_src) $(serve_src)) $(serve_data)
$(BUILD)/lib%.a:
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BIN): $(BUILD)/cmd/main.o $(below_cmd)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIB_LIBS)

# what every byte of a package goes through: 5 % of the time of a scan
$(call obj,$(base_src) $(validators_src)): OPT := $(OPT:-O2=-O3)

$(BUILD)/%.o: %.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# the seccomp filter is compiled by a program that runs here; CFLAGS of the target (sanitizers …) are not for it
$(BUILD)/sandboxes/lockdown_filter.o: sandboxes/lockdown_filter.c sandboxes/lockdown.h
	$(call say,FILTER,$<)
	$(Q)mkdir -p $(@D) && $(CC) -std=gnu17 -O1 $(WARN) -D_GNU_SOURCE -o $(@:.o=) $< $(shell $(PKG_CONFIG) --cflags --libs libseccomp 2>/dev/null)
	$(Q)$(@:.o=) > $(@:.o=.inc.c) && $(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $(@:.o=.inc.c)

# the first process of sandboxes that others make: static, small, without the sanitizers of the rest, and carried along as bytes
GUEST_CFLAGS := -std=gnu17 -Os $(WARN) -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections -fstack-protector-strong
GUEST_MAX := 1200000
$(BUILD)/guest/%.o: %.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(GUEST_CFLAGS) -MMD -MP -c -o $@ $<
$(BUILD)/guest/sandboxes/lockdown_filter.o: $(BUILD)/sandboxes/lockdown_filter.o
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(GUEST_CFLAGS) -c -o $@ $(<:.o=.inc.c)
$(BUILD)/guest/guest_init: $(patsubst %.c,$(BUILD)/guest/%.o,$(guest_src)) $(BUILD)/guest/sandboxes/lockdown_filter.o
	$(call say,LINK,$@)
	$(Q)$(CC) $(GUEST_CFLAGS) -static -Wl,--gc-sections,-z,noexecstack,-z,relro,--fatal-warnings -s -o $@ $^ -lmd
	$(Q)size=$$(wc -c < $@); [ $$size -lt $(GUEST_MAX) ] || { echo "$@ has $$size bytes, the limit is $(GUEST_MAX)" >&2; rm $@; exit 1; }
$(BUILD)/guest/program.o: $(BUILD)/guest/guest_init
	$(call say,EMBED,$<)
	$(Q)printf '%s\n' '.section .note.GNU-stack,"",%progbits' '.section .rodata' '.balign 16' '.globl guest_init_program, guest_init_program_len' \
		'guest_init_program:' '.incbin "$<"' '1: .balign 8' 'guest_init_program_len: .quad 1b - guest_init_program' > $(@:.o=.s)
	$(Q)$(CC) -c -o $@ $(@:.o=.s)

# all names that the tables of knowledge have become one table, by a program made of the same objects
$(BUILD)/validators/shell/knowledge_programs_embed: $(BUILD)/validators/shell/knowledge_programs_embed.o $(call obj,$(shell_src)) $(libbase)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIB_LIBS)
$(BUILD)/validators/shell/knowledge_programs_rows.c: $(BUILD)/validators/shell/knowledge_programs_embed
	$(call say,NAMES,$@)
	$(Q)$< > $@
$(BUILD)/validators/shell/knowledge_programs_rows.o: $(BUILD)/validators/shell/knowledge_programs_rows.c
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# rule files become static tables, by a program made of the same objects; it stops the build when a rule or one of its samples is wrong.
# (with sanitizers the samples are left to the tests). The folder is a prerequisite, too: a file may go away
validators/rules: ;	# not made from rules.c
$(BUILD)/validators/rules_embed: $(BUILD)/validators/rules_embed.o $(call obj,$(validators_src)) $(BUILD)/validators/shell/knowledge_programs_rows.o $(libbase)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIB_LIBS)
$(BUILD)/validators/rules_tables.c: $(BUILD)/validators/rules_embed validators/rules $(wildcard validators/rules/*.y*ml)
	$(call say,RULES,$@)
	$(Q)$< $(if $(SANITIZE),skip,$(RULES_SAMPLES)) validators/rules > $@
$(BUILD)/validators/rules_tables.o: $(BUILD)/validators/rules_tables.c
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# a data file becomes `const char name_with_underscores[]`, NUL-terminated
$(BUILD)/%.json.o: %.json scripts/embed
	$(call say,EMBED,$<)
	$(Q)mkdir -p $(@D) && scripts/embed $< > $(BUILD)/$*.json.c && $(CC) $(CFLAGS) -Wno-missing-prototypes -c -o $@ $(BUILD)/$*.json.c

$(BUILD)/cmd/serve/page/%.o: cmd/serve/page/% scripts/embed
	$(call say,EMBED,$<)
	$(Q)mkdir -p $(@D) && scripts/embed $< > $(@:.o=.c) && $(CC) $(CFLAGS) -Wno-missing-prototypes -c -o $@ $(@:.o=.c)

# ---- tests
unit_layers := base validators sandboxes runner cmd serve
unit_bins := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/*/*_test.c))
define unit_rule
$(BUILD)/unit/$(1)/%: tests/unit/$(1)/%.c $$(below_$(1))
	$$(call say,LINK,$$@)
	$$(Q)mkdir -p $$(@D) && $$(CC) $$(CPPFLAGS) $$(CFLAGS) $$(LDFLAGS) -MMD -MP -o $$@ $$< $$(below_$(1)) -lcmocka $$(LIB_LIBS)
endef
$(foreach l,$(unit_layers),$(eval $(call unit_rule,$(l))))

# fuzz targets: replayed over their corpus by `make test` with any compiler; driven by libFuzzer in `make fuzz`
fuzz_names := $(patsubst tests/fuzz/%_fuzz.c,%,$(wildcard tests/fuzz/*_fuzz.c))
fuzz_replay := $(patsubst %,$(BUILD)/fuzz/%,$(fuzz_names))
$(BUILD)/fuzz/%: tests/fuzz/%_fuzz.c tests/fuzz/replay.c $(below_cmd)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -MMD -MP -o $@ tests/fuzz/$*_fuzz.c tests/fuzz/replay.c $(below_cmd) $(LIB_LIBS)

test_helpers := $(patsubst tests/%.c,$(BUILD)/%,$(wildcard tests/escape/*.c tests/crash/*.c))
$(BUILD)/escape/%: tests/escape/%.c $(wildcard tests/escape/*.h)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D) && $(CC) -std=gnu17 -O2 -Wall -Wextra -D_GNU_SOURCE -static -o $@ $<

$(BUILD)/crash/%: tests/crash/%.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D) && $(CC) -std=gnu17 -O2 -g $(WARN) -D_GNU_SOURCE -o $@ $<

.PHONY: test test-bins check fuzz bench install clean help
test-bins: $(BIN) $(unit_bins) $(fuzz_replay) $(test_helpers)

# everything; T=path runs only the tests whose path contains it
test: test-bins
	$(Q)BUILD=$(BUILD) SANDBOX_RUNNER=$(abspath $(BIN)) scripts/run-tests $(T)

check:
	$(Q)scripts/check-structure
	$(Q)CC="$(CC)" scripts/check-headers $(CPPFLAGS)

fuzz:
	$(Q)FUZZ_SECONDS=$(FUZZ_SECONDS) scripts/fuzz $(F)

bench: $(BIN)
	$(Q)scripts/bench
	$(Q)scripts/bench-serve

install: $(BIN)
	install -D -m 0755 $(BIN) $(DESTDIR)$(PREFIX)/bin/sandbox_runner
	install -d $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	./$(BIN) man > $(DESTDIR)$(PREFIX)/share/man/man1/sandbox_runner.1
	./$(BIN) completion bash > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/sandbox_runner

clean:
	$(Q)rm -rf build sandbox_runner

help:
	@sed -n '2,8s/^# \{0,1\}//p' Makefile

-include $(shell [ -d $(BUILD) ] && find $(BUILD) -name '*.d' 2>/dev/null)
.SECONDARY:
.DELETE_ON_ERROR:
