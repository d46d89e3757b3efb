/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/macro.h"
#include "core/boundary.h"

#define DEG	  (M_PI / 180)
#define BLOCK	  32   /* segments under one cap */
#define SLACK	  1e-9 /* of a cap, in radians: 6 mm, against rounding */
#define SAME_M	  1e-3 /* nearer than this there is no bearing */
#define STEPS_MAX 100000

/* a direction from the Earth's centre, or any other vector */
struct vec {
	double x, y, z;
};

/* of consecutive points of one line */
struct segment {
	struct vec a, b;
	struct vec normal; /* of their great circle; 0 where a is b */
	struct vec from_a; /* in that plane: positive beyond a, towards b */
	struct vec from_b; /* positive before b, towards a */
	double angle;
};

/* a circle on the sphere that holds up to BLOCK segments */
struct cap {
	struct vec centre;
	double angle;
	double sine; /* of @angle; 1 from a quarter turn on */
	size_t first, end;
};

struct boundary {
	char name[BOUNDARY_NAME_MAX];
	size_t n_points;
	size_t n_segments;
	size_t n_caps;
	struct segment *segments;
	struct cap *caps;
};

/* a place with its own north and east */
struct frame {
	struct vec up, north, east;
};

static double dot(struct vec a, struct vec b)
{
	return a.x * b.x + a.y * b.y + a.z * b.z;
}

static struct vec cross(struct vec a, struct vec b)
{
	return (struct vec){a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}

/* a·s + b·t */
static struct vec blend(struct vec a, double s, struct vec b, double t)
{
	return (struct vec){a.x * s + b.x * t, a.y * s + b.y * t, a.z * s + b.z * t};
}

/* of length 1; 0 stays 0 */
static struct vec unit(struct vec a)
{
	double n = sqrt(dot(a, a));

	return n > 0 ? blend(a, 1 / n, a, 0) : a;
}

/* right for small angles too, unlike acos */
static double angle_between(struct vec a, struct vec b)
{
	struct vec c = cross(a, b);

	return atan2(sqrt(dot(c, c)), dot(a, b));
}

static struct frame frame_of(struct boundary_point place)
{
	double lat = place.lat_deg * DEG, lon = place.lon_deg * DEG;

	return (struct frame){
		.up = {cos(lat) * cos(lon), cos(lat) * sin(lon), sin(lat)},
		.north = {-sin(lat) * cos(lon), -sin(lat) * sin(lon), cos(lat)},
		.east = {-sin(lon), cos(lon), 0},
	};
}

static struct boundary_point point_of(struct vec v)
{
	return (struct boundary_point){atan2(v.z, hypot(v.x, v.y)) / DEG, atan2(v.y, v.x) / DEG};
}

static struct vec heading(const struct frame *frame, double bearing_deg)
{
	double bearing = fmod(bearing_deg, 360) * DEG;

	return blend(frame->north, cos(bearing), frame->east, sin(bearing));
}

static struct boundary_hit hit_of(const struct frame *frame, struct vec v)
{
	double east = dot(v, frame->east), north = dot(v, frame->north);
	double across = hypot(east, north);
	struct boundary_hit hit = {.point = point_of(v)};

	hit.distance_m = atan2(across, dot(v, frame->up)) * BOUNDARY_RADIUS_M;
	hit.has_bearing = across * BOUNDARY_RADIUS_M >= SAME_M;
	if (hit.has_bearing) {
		hit.bearing_deg = atan2(east, north) / DEG;
		if (hit.bearing_deg < 0)
			hit.bearing_deg += 360;
		if (hit.bearing_deg >= 360) /* -1e-20 + 360 */
			hit.bearing_deg = 0;
	}
	return hit;
}

bool boundary_point_is_valid(struct boundary_point point)
{
	return fabs(point.lat_deg) <= 90 && fabs(point.lon_deg) <= 180;
}

static int segment_init(struct segment *segment, struct boundary_point a, struct boundary_point b)
{
	if (!boundary_point_is_valid(a) || !boundary_point_is_valid(b))
		return -EDOM;
	segment->a = frame_of(a).up;
	segment->b = frame_of(b).up;
	segment->angle = angle_between(segment->a, segment->b);
	if (segment->angle > M_PI / 2)
		return -EDOM;
	/* (a-b)×(a+b) is 2·a×b, and keeps its digits where a is nearly b */
	segment->normal = unit(
		cross(blend(segment->a, 1, segment->b, -1), blend(segment->a, 1, segment->b, 1)));
	segment->from_a = cross(segment->normal, segment->a);
	segment->from_b = cross(segment->b, segment->normal);
	return 0;
}

/* The circle about the sum of the points; a segment is nowhere farther out than its ends as long
 * as the circle is smaller than a hemisphere. */
static void cap_init(struct cap *cap, const struct segment *segments, size_t first, size_t end)
{
	struct vec sum = {0, 0, 0};

	for (size_t i = first; i < end; i++)
		sum = blend(sum, 1, blend(segments[i].a, 1, segments[i].b, 1), 1);
	*cap = (struct cap){.centre = unit(sum), .first = first, .end = end};
	for (size_t i = first; i < end; i++) {
		cap->angle = fmax(cap->angle, angle_between(cap->centre, segments[i].a));
		cap->angle = fmax(cap->angle, angle_between(cap->centre, segments[i].b));
	}
	cap->angle += SLACK;
	if (cap->angle >= M_PI / 2 || dot(sum, sum) == 0)
		cap->angle = M_PI;
	cap->sine = cap->angle < M_PI / 2 ? sin(cap->angle) : 1;
}

static int count_points(const size_t *lengths, size_t n_lines, size_t *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < n_lines; i++) {
		if (lengths[i] < 2 || lengths[i] > BOUNDARY_POINTS_MAX - n)
			return -EINVAL;
		n += lengths[i];
	}
	*ret = n;
	return n > 0 ? 0 : -EINVAL;
}

static int fill(struct boundary *boundary, const struct boundary_point *points,
		const size_t *lengths, size_t n_lines)
{
	size_t n = 0;
	int r = 0;

	for (size_t line = 0; line < n_lines && r == 0; points += lengths[line], line++)
		for (size_t i = 0; i + 1 < lengths[line] && r == 0; i++)
			r = segment_init(&boundary->segments[n++], points[i], points[i + 1]);
	if (r < 0)
		return r;
	for (size_t i = 0; i < boundary->n_caps; i++)
		cap_init(&boundary->caps[i], boundary->segments, i * BLOCK,
			 MIN((i + 1) * BLOCK, boundary->n_segments));
	return 0;
}

int boundary_new(struct boundary **ret, const char *name, const struct boundary_point *points,
		 const size_t *lengths, size_t n_lines)
{
	CLEANUP(boundary_free) struct boundary *boundary = NULL;
	size_t n_points;
	int r = count_points(lengths, n_lines, &n_points);

	if (r < 0)
		return r;
	boundary = calloc(1, sizeof(*boundary));
	if (!boundary)
		return -ENOMEM;
	(void)snprintf(boundary->name, sizeof(boundary->name), "%s", name);
	boundary->n_points = n_points;
	boundary->n_segments = n_points - n_lines;
	boundary->n_caps = (boundary->n_segments + BLOCK - 1) / BLOCK;
	boundary->segments = calloc(boundary->n_segments, sizeof(*boundary->segments));
	boundary->caps = calloc(boundary->n_caps, sizeof(*boundary->caps));
	if (!boundary->segments || !boundary->caps)
		return -ENOMEM;
	r = fill(boundary, points, lengths, n_lines);
	if (r == 0)
		*ret = steal(&boundary);
	return r;
}

struct boundary *boundary_free(struct boundary *boundary)
{
	if (boundary) {
		free(boundary->segments);
		free(boundary->caps);
		free(boundary);
	}
	return NULL;
}

const char *boundary_name(const struct boundary *boundary)
{
	return boundary->name;
}

size_t boundary_n_points(const struct boundary *boundary)
{
	return boundary->n_points;
}

/* the point of a segment that is nearest to @p */
static struct vec nearest_of(const struct segment *segment, struct vec p)
{
	struct vec foot = blend(p, 1, segment->normal, -dot(p, segment->normal));
	struct vec to_a, to_b;

	if (dot(segment->normal, segment->normal) > 0 && dot(foot, segment->from_a) > 0 &&
	    dot(foot, segment->from_b) > 0)
		return unit(foot);
	to_a = blend(p, 1, segment->a, -1);
	to_b = blend(p, 1, segment->b, -1);
	return dot(to_a, to_a) <= dot(to_b, to_b) ? segment->a : segment->b;
}

int boundary_nearest(const struct boundary *boundary, struct boundary_point place,
		     struct boundary_hit *ret)
{
	struct frame frame = frame_of(place);
	struct vec best = boundary->segments[0].a;
	double best_chord2 = HUGE_VAL, best_angle = HUGE_VAL;

	if (!boundary_point_is_valid(place))
		return -EDOM;
	for (size_t i = 0; i < boundary->n_caps; i++) {
		const struct cap *cap = &boundary->caps[i];

		if (angle_between(frame.up, cap->centre) - cap->angle > best_angle)
			continue;
		for (size_t k = cap->first; k < cap->end; k++) {
			struct vec v = nearest_of(&boundary->segments[k], frame.up);
			struct vec chord = blend(v, 1, frame.up, -1);
			double chord2 = dot(chord, chord);

			if (chord2 < best_chord2) {
				best_chord2 = chord2;
				best = v;
			}
		}
		best_angle = 2 * asin(fmin(1, sqrt(best_chord2) / 2)) + SLACK;
	}
	*ret = hit_of(&frame, best);
	return 0;
}

/* Where a segment meets the half circle from @up through @ahead, whose pole is @pole. Where it
 * lies along the half circle: the end that is met first. */
static bool meet(const struct segment *segment, struct vec up, struct vec ahead, struct vec pole,
		 struct vec *ret)
{
	double a = dot(segment->a, pole), b = dot(segment->b, pole);
	double at_a = dot(segment->a, ahead), at_b = dot(segment->b, ahead);

	if ((a > 0 && b > 0) || (a < 0 && b < 0))
		return false;
	if (a != b) {
		/* t from 0 to 1 along the chord */
		double t = a / (a - b);

		*ret = unit(blend(segment->a, 1 - t, segment->b, t));
	} else if (at_a * at_b < 0 && dot(segment->a, up) + dot(segment->b, up) > 0) {
		*ret = up; /* the place itself is on the segment */
	} else {
		double turn_a = atan2(at_a, dot(segment->a, up));
		double turn_b = atan2(at_b, dot(segment->b, up));

		*ret = at_b < 0 || (at_a >= 0 && turn_a <= turn_b) ? segment->a : segment->b;
	}
	return dot(*ret, ahead) >= -DBL_EPSILON;
}

/* not touched by the great circle with this pole */
static bool is_clear_of(const struct cap *cap, struct vec pole)
{
	return cap->angle < M_PI / 2 && fabs(dot(cap->centre, pole)) > cap->sine;
}

int boundary_ray(const struct boundary *boundary, struct boundary_point place, double bearing_deg,
		 struct boundary_hit *ret)
{
	struct frame frame = frame_of(place);
	struct vec ahead, pole, v, best = frame.up;
	double best_turn = HUGE_VAL;

	if (!boundary_point_is_valid(place) || !isfinite(bearing_deg))
		return -EDOM;
	ahead = heading(&frame, bearing_deg);
	pole = cross(frame.up, ahead);
	for (size_t i = 0; i < boundary->n_caps; i++) {
		if (is_clear_of(&boundary->caps[i], pole))
			continue;
		for (size_t k = boundary->caps[i].first; k < boundary->caps[i].end; k++) {
			double turn;

			if (!meet(&boundary->segments[k], frame.up, ahead, pole, &v))
				continue;
			turn = fabs(atan2(dot(v, ahead), dot(v, frame.up)));
			if (turn < best_turn) {
				best_turn = turn;
				best = v;
			}
		}
	}
	if (isinf(best_turn))
		return -ENOENT;
	*ret = hit_of(&frame, best);
	return 0;
}

/* A sector being walked. Inside are the points to the right of the left edge and to the left of
 * the right edge; where it is wider than half a turn, one of the two is enough. */
struct walk {
	struct frame frame;
	struct vec ahead[3]; /* middle, left edge, right edge */
	struct vec pole[3];  /* of their great circles, positive to the left of each */
	bool is_wide;	     /* more than half a turn */
	bool is_all;	     /* the whole turn */
	double least_cosine; /* of the reach */
	double reach;	     /* radians */
	double step;	     /* radians */
	boundary_visit *visit;
	void *userdata;
	struct boundary_hit best;
	bool found;
};

static void walk_point(struct walk *walk, struct vec v)
{
	struct boundary_hit hit = hit_of(&walk->frame, v);

	if (walk->visit)
		walk->visit(walk->userdata, &hit);
	if (!walk->found || hit.distance_m < walk->best.distance_m)
		walk->best = hit;
	walk->found = true;
}

static bool is_inside(const struct walk *walk, struct vec v)
{
	bool right_of_left, left_of_right;

	if (dot(v, walk->frame.up) < walk->least_cosine)
		return false;
	if (walk->is_all)
		return true;
	right_of_left = dot(v, walk->pole[1]) <= 0;
	left_of_right = dot(v, walk->pole[2]) >= 0;
	if (walk->is_wide)
		return right_of_left || left_of_right;
	/* both hold behind the place too where the sector is a single line */
	return right_of_left && left_of_right && dot(v, walk->ahead[0]) >= 0;
}

static bool cap_is_outside(const struct walk *walk, const struct cap *cap)
{
	if (cap->angle >= M_PI / 2)
		return false;
	if (angle_between(cap->centre, walk->frame.up) - cap->angle > walk->reach)
		return true;
	if (walk->is_wide || walk->is_all)
		return false;
	return dot(cap->centre, walk->pole[1]) > cap->sine ||
	       dot(cap->centre, walk->pole[2]) < -cap->sine;
}

static void walk_segment(struct walk *walk, const struct segment *segment)
{
	struct vec v = nearest_of(segment, walk->frame.up);
	size_t n = (size_t)fmax(1, fmin(ceil(segment->angle / walk->step), STEPS_MAX));

	for (size_t i = 0; i < (walk->is_all ? 0 : ARRAY_SIZE(walk->pole)); i++) {
		struct vec crossing;

		if (meet(segment, walk->frame.up, walk->ahead[i], walk->pole[i], &crossing) &&
		    dot(crossing, walk->frame.up) >= walk->least_cosine)
			walk_point(walk, crossing);
	}
	if (is_inside(walk, v))
		walk_point(walk, v);
	for (size_t i = 0; i <= n; i++) {
		double t = (double)i / (double)n;

		v = unit(blend(segment->a, sin((1 - t) * segment->angle), segment->b,
			       sin(t * segment->angle)));
		if (segment->angle < 1e-7 || n == 1)
			v = i == 0 ? segment->a : segment->b;
		if (is_inside(walk, v))
			walk_point(walk, v);
	}
}

static void walk_init(struct walk *walk, struct boundary_point place,
		      const struct boundary_sector *sector)
{
	const double turns[] = {0, -sector->half_angle_deg, sector->half_angle_deg};

	walk->frame = frame_of(place);
	for (size_t i = 0; i < ARRAY_SIZE(turns); i++) {
		walk->ahead[i] = heading(&walk->frame, sector->bearing_deg + turns[i]);
		walk->pole[i] = cross(walk->frame.up, walk->ahead[i]);
	}
	walk->is_all = sector->half_angle_deg >= 180;
	walk->is_wide = sector->half_angle_deg > 90;
	walk->reach = fmin(sector->reach_m / BOUNDARY_RADIUS_M, M_PI);
	walk->least_cosine = walk->reach < M_PI ? cos(walk->reach) : -2;
}

int boundary_walk(const struct boundary *boundary, struct boundary_point place,
		  const struct boundary_sector *sector, double step_m, boundary_visit *visit,
		  void *userdata, struct boundary_hit *ret)
{
	struct walk walk = {
		.step = step_m / BOUNDARY_RADIUS_M, .visit = visit, .userdata = userdata};

	if (!boundary_point_is_valid(place) || !isfinite(sector->bearing_deg) ||
	    !(sector->half_angle_deg >= 0 && sector->half_angle_deg <= 180) ||
	    !(sector->reach_m > 0) || !(step_m > 0))
		return -EDOM;
	walk_init(&walk, place, sector);
	for (size_t i = 0; i < boundary->n_caps; i++) {
		if (cap_is_outside(&walk, &boundary->caps[i]))
			continue;
		for (size_t k = boundary->caps[i].first; k < boundary->caps[i].end; k++)
			walk_segment(&walk, &boundary->segments[k]);
	}
	if (!walk.found)
		return -ENOENT;
	if (ret)
		*ret = walk.best;
	return 0;
}

struct boundary_point boundary_project(struct boundary_point place, double bearing_deg,
				       double distance_m)
{
	struct frame frame = frame_of(place);
	double angle = distance_m / BOUNDARY_RADIUS_M;

	return point_of(blend(frame.up, cos(angle), heading(&frame, bearing_deg), sin(angle)));
}
