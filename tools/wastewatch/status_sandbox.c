/* SPDX-License-Identifier: Apache-2.0 */
/* What of status.json concerns the sandboxes, in words; part of wastewatch status. */
#include <stdio.h>
#include <string.h>

#include "core/fields.h"
#include "tools/status_sandbox.h"
#include "tools/wrap.h"

void status_sandbox_print(const json_t *live)
{
	const json_t *sandbox, *all = json_object_get(live, "sandboxes");
	const char *name;
	size_t n_held = 0;
	char text[1280];

	json_object_foreach ((json_t *)(uintptr_t)all, name, sandbox) {
		const char *state = field_text(sandbox, "state");

		n_held += strcmp(state, "holds") == 0;
		if (strcmp(state, "open") != 0 && strcmp(state, "unknown") != 0)
			continue;
		(void)snprintf(text, sizeof(text), "Sandbox of %s %s %s.", name,
			       strcmp(state, "open") == 0 ? "is NOT IN FORCE: it" : "is not known:",
			       field_text(sandbox, "words"));
		wrap_print(2, 0, text);
	}
	if (n_held > 0 && n_held == json_object_size(all))
		(void)puts("Sandboxes: all three hold.");
}
