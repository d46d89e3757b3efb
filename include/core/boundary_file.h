/* SPDX-License-Identifier: Apache-2.0 */
/*
 * boundary_file.h - boundaries from GeoJSON (RFC 7946)
 *
 * A FeatureCollection, a Feature or a geometry: LineString, MultiLineString, and the rings of
 * Polygon and MultiPolygon; positions are longitude, latitude and perhaps height, in WGS84. What
 * is something else is an error that says what is wrong and where.
 */
#pragma once

#include "core/boundary.h"

#define BOUNDARY_FILE_BYTES_MAX	 (32 * 1024 * 1024)
#define BOUNDARY_FILE_POINTS_MAX 500000
#define BOUNDARY_ERROR_MAX	 256

/**
 * boundary_file_parse() - a boundary from text
 * @name:  of the boundary where the first feature's properties give none
 * @error: untouched on success
 *
 * Return: 0; -EBADMSG with @error; -ENOMEM.
 */
int boundary_file_parse(struct boundary **ret, const char *text, size_t n, const char *name,
			char error[BOUNDARY_ERROR_MAX]);

/**
 * boundary_file_read() - the same from a file; without a name in it, it is called like the file
 *
 * Return: 0; -EBADMSG, or what open and read say, each with @error; -ENOMEM.
 */
int boundary_file_read(struct boundary **ret, const char *path, char error[BOUNDARY_ERROR_MAX]);

/**
 * boundary_file_load() - a file's bytes, no more than BOUNDARY_FILE_BYTES_MAX and one
 * @ret: freed by the caller
 *
 * Return: 0; -errno; -ENOMEM.
 */
int boundary_file_load(const char *path, char **ret, size_t *ret_n);
