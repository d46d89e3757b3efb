/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_requests.h - which registers are read together
 *
 * Part of plan.h: nobody else includes this.
 */
#pragma once

#include "core/plan.h"

/**
 * plan_fill_requests() - requests, parts and slots of a plan whose units are there
 * @place: per unit of the configuration, its index in the plan
 * Return: 0; -ENOMEM.
 */
int plan_fill_requests(struct plan *plan, const struct config *config, const uint32_t *place);
