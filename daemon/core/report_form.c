/* SPDX-License-Identifier: Apache-2.0 */
/* what the hot-line form asks beside the measurements: who reports, where to, of what nature */
#include <string.h>

#include "core/fields.h"
#include "core/report_parts.h"

json_t *report_reporter(const struct core *core)
{
	const struct config_reporter *reporter = &core->config->reporter;
	json_t *object;

	if (!reporter->name || !*reporter->name)
		return NULL;
	object = json_object();
	field_set_text(object, "name", reporter->name);
	field_set_text(object, "address", reporter->address);
	field_set_text(object, "phone", reporter->phone);
	field_set_text(object, "email", reporter->email);
	return object;
}

/* where each kind of waste goes first */
static json_t *media_array(enum waste_kind kind)
{
	switch (kind) {
	case WASTE_LIQUID:
		return json_pack("[s]", "water");
	case WASTE_GAS:
		return json_pack("[s]", "air");
	case WASTE_SOLID:
		return json_pack("[s, s]", "soil", "water");
	}
	return json_array();
}

/*
 * The form's words for its nature, as far as the measurements show it; see the schema. An alarm
 * is on the list once, however often it was raised, and @n_alarms counts each time.
 */
static const char *nature_of(const struct core_incident *incident, const json_t *data)
{
	const json_t *alarms = json_object_get(data, "alarms"), *alarm;
	const json_t *about = json_object_get(data, "incident");
	const char *opened = field_text(about, "opened");
	json_int_t n = json_integer_value(json_object_get(data, "alarms_left_out"));
	bool stands = false;
	size_t i;

	if (incident->n_updates == 0)
		return "";
	json_array_foreach (alarms, i, alarm) {
		const char *raised = field_text(alarm, "raised");

		n += strcmp(raised, opened) >= 0; /* both of one zone */
		stands |= strcmp(raised, opened) == 0 &&
			  strcmp(field_text(alarm, "state"), "raised") == 0;
	}
	if ((json_int_t)incident->n_alarms > n)
		return "frequent";
	if (stands)
		return "continuous";
	return strcmp(field_text(about, "state"), "ended") == 0 ? "sudden" : "";
}

void report_part_form(const struct core *core, const struct core_incident *incident, json_t *data)
{
	json_t *about = json_object_get(data, "incident");
	json_t *reporter = report_reporter(core);
	size_t slot = (size_t)(incident - core->incidents);

	if (reporter)
		(void)json_object_set_new(data, "reporter", reporter);
	(void)json_object_set_new(about, "media",
				  media_array((enum waste_kind)(slot % N_WASTE_KINDS)));
	field_set_text(about, "nature", nature_of(incident, data));
}
