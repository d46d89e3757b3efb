/* SPDX-License-Identifier: Apache-2.0 */
/*
 * solid.h - screening of how far a slide of solid waste may reach, and of its leachate
 *
 * Pure: no clock, no I/O, no allocation.
 *
 * A mass that falls by H comes to rest within L = H/tan α of its upper edge, α being the travel
 * angle (Fahrböschung, Heim 1932, Bergsturz und Menschenleben). For α where none is known:
 * Corominas 1996, The angle of reach as a mobility index for small and large landslides, Canadian
 * Geotechnical Journal 33:260, log10(H/L) = -0.085·log10(V) - 0.047, V in m³, for all kinds
 * of landslides together. Certainty: the paper is confirmed, its two numbers are from memory and
 * not seen in print [M]; a mean, so one slide in two reaches farther; made for natural slopes.
 * A screening, no design.
 */
#pragma once

#include <stdbool.h>

/** solid_travel_ratio() - H/L of a volume after Corominas; @volume_m3 positive */
double solid_travel_ratio(double volume_m3);

/**
 * solid_reach_m() - how far from its upper edge a slide reaches, horizontally
 * @drop_m: from the upper edge to the ground where it would stop; 0 or more
 * @travel_ratio: H/L, the tangent of the travel angle
 *
 * Return: 0; -EDOM @travel_ratio is not positive, or @drop_m is negative.
 */
int solid_reach_m(double drop_m, double travel_ratio, double *ret);

/** solid_reaches() - whether a slide can reach a line so far away, by how much (negative: short) */
bool solid_reaches(double reach_m, double distance_m, double *ret_margin_m);

/**
 * solid_leachate_m3_s() - water that runs off a dump in rain, to be mixed into a river by
 *   river_mix_mg_l(); the rational method, Q = C·i·A (Kuichling 1889, Trans. ASCE 20:1)
 * @coefficient: share of the rain that runs off, 0 to 1
 */
double solid_leachate_m3_s(double coefficient, double rain_mm_h, double area_m2);
