/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resident.h - what a program needs to start and never again
 */
#pragma once

/**
 * resident_forget_start() - the program and its libraries keep mapped what they use from now on
 *
 * Starting touches pages all over the code and tables of thirty libraries (relocation,
 * constructors, reading the configuration), and the kernel maps sixteen more around each
 * (fault_around_bytes). They count as resident for as long as the process lives, twice as much
 * as all that is ever used again. Only what is an unchanged part of a file is let go: it is taken
 * from the page cache again where it is needed after all. Freed heap goes back, too.
 */
void resident_forget_start(void);
