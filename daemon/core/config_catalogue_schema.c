/* SPDX-License-Identifier: Apache-2.0 */
#include "core/config_catalogue.h"
#include "core/config_rows.h"
#include "core/config_text.h"

static const struct config_choice marks[] = {
	{"V", CERTAINTY_LAW}, {"C", CERTAINTY_SEEN}, {"M", CERTAINTY_HEARSAY}, {0}};
static const struct config_choice kinds[] = {
	{"liquid", WASTE_LIQUID}, {"gas", WASTE_GAS}, {"solid", WASTE_SOLID}, {0}};
static const struct config_choice factors[] = {
	{"Kq", FACTOR_KQ}, {"Kf", FACTOR_KF}, {"Kp", FACTOR_KP}, {"Kv", FACTOR_KV}, {0}};
static const struct config_choice bys[] = {
	{"river-flow", BY_RIVER_FLOW}, {"lake-volume", BY_LAKE_VOLUME}, {"discharge", BY_DISCHARGE},
	{"gas-flow", BY_GAS_FLOW},     {"zone-type", BY_ZONE_TYPE},	{0}};
static const struct config_choice yes_or_no[] = {{"no", 0}, {"yes", 1}, {0}};

/* clang-format off */
#define W(field) FIELD(source_mark_draft, field)
static const struct config_option source_mark_options[] = {
	CHOICE("mark", W(mark), REQUIRED, marks, "V, C or M"),
	TEXT("source", W(source), REQUIRED, PROSE, config_text_check, "where figures with this mark are from"),
};
static const struct config_group source_mark_group =
	GROUP("mark", source_mark_options, source_mark_draft, config_finish_source_mark);

#define C(field) FIELD(column_draft, column.field)
static const struct config_option column_options[] = {
	TEXT("column", C(name), REQUIRED, 32, config_name_check, "name of a column or zone"),
	TEXT("title", C(title), REQUIRED, TITLE, config_text_check, "how the law calls it, such as column B"),
	TEXT("since", FIELD(column_draft, dates[0]), "", 10, standard_date_check, "first day of its figures, YYYY-MM-DD"),
	TEXT("until", FIELD(column_draft, dates[1]), "", 10, standard_date_check, "last day of its figures, YYYY-MM-DD"),
	CHOICE("mark", C(mark), REQUIRED, marks, "how sure that is: V, C or M"),
};
static const struct config_group column_group =
	GROUP("column", column_options, column_draft, config_finish_column);

#define E(field) FIELD(case_draft, which.field)
static const struct config_option case_options[] = {
	TEXT("for", E(name), REQUIRED, 32, config_name_check, "name of the plants that this is for"),
	TEXT("title", E(title), REQUIRED, TITLE, config_text_check, "which plants these are"),
	NUMBER("reference-oxygen", E(reference), "", "oxygen that concentrations are held at, per cent by volume"),
	CHOICE("mark", E(mark), REQUIRED, marks, "how sure that is: V, C or M"),
};
static const struct config_group case_group =
	GROUP("case", case_options, case_draft, config_finish_case);

#define S(field) FIELD(step_draft, step.field)
static const struct config_option step_options[] = {
	NUMBER("up-to", S(up_to), "", "up to and including it; the last row may have none"),
	NUMBER("value", S(value), REQUIRED, "the coefficient"),
	CHOICE("mark", S(mark), REQUIRED, marks, "how sure that is: V, C or M"),
};
static const struct config_group step_group =
	GROUP("step", step_options, step_draft, config_finish_step);

#define T(field) FIELD(table_draft, table.field)
static const struct config_option table_options[] = {
	CHOICE("coefficient", T(factor), REQUIRED, factors, "Kq, Kf, Kp or Kv"),
	CHOICE("by", T(by), REQUIRED, bys, "what it follows from"),
	TEXT("unit", T(measure), "", 16, config_text_check, "unit of what it follows from"),
	TEXT("title", T(title), "", TITLE, config_text_check, "what exactly that is"),
	LIST("steps", 1, &step_group, "the table's rows, from small to large"),
};
static const struct config_group table_group =
	GROUP("coefficient", table_options, table_draft, config_finish_table);

#define V(field) FIELD(value_draft, field)
static const struct config_option value_options[] = {
	TEXT("column", V(column), "", 32, config_name_check, "which column; may be left out where there is one"),
	NUMBER("high", V(value.high), "", "broken above it"),
	NUMBER("low", V(value.low), "", "broken below it"),
	CHOICE("mark", V(value.mark), REQUIRED, marks, "how sure that is: V, C or M"),
	TEXT("source", V(source), "", PROSE, config_text_check, "where this very figure is from"),
};
static const struct config_group value_group =
	GROUP("value", value_options, value_draft, config_finish_value);

#define P(field) FIELD(catalogue_parameter_draft, parameter.field)
static const struct config_option parameter_options[] = {
	TEXT("parameter", P(name), REQUIRED, 32, config_name_check, "a name, such as COD"),
	TEXT("title", P(title), "", TITLE, config_text_check, "how the law calls it; default: the name"),
	NAMES("symbols", P(symbols), "", CONFIG_WORDS_MAX, "other names that a channel may have for it"),
	TEXT("unit", P(measure), "", 16, config_text_check, "unit of its figures, such as mg/l"),
	TEXT("for", FIELD(catalogue_parameter_draft, which), "", 32, config_name_check, "name of one of the \"cases\""),
	CHOICE("window", P(on), "", config_limit_ons, "mean that is held against it"),
	CHOICE("window-mark", P(window_mark), "", marks, "how sure the window is: V, C or M"),
	CHOICE("multiplied", P(multiplied), "yes", yes_or_no, "no: the formula's coefficients do not count"),
	NUMBER("molar-mass", P(molar_mass), "", "g/mol, for channels in ppm"),
	LIST("values", 1, &value_group, "its figures, one per column"),
};
static const struct config_group parameter_group =
	GROUP("parameter", parameter_options, catalogue_parameter_draft, config_finish_catalogue_parameter);

#define K(field) FIELD(catalogue_draft, catalogue.field)
#define DATE(i)	 FIELD(catalogue_draft, dates[i])
static const struct config_option catalogue_options[] = {
	TEXT("standard", FIELD(catalogue_draft, standard), REQUIRED, 32, config_name_check, "the catalogue's name, that of the file without .yaml"),
	TEXT("title", K(title), REQUIRED, 60, config_text_check, "how the law calls it, such as QCVN 40:2011/BTNMT"),
	TEXT("full-name", K(full_name), REQUIRED, TITLE, config_text_check, "what it is about"),
	TEXT("document", K(document), REQUIRED, PROSE, config_text_check, "by what it was issued, and where its text is"),
	CHOICE("kind", K(kind), REQUIRED, kinds, "liquid, gas or solid"),
	TEXT("since", DATE(0), "", 10, standard_date_check, "first day in force, YYYY-MM-DD"),
	CHOICE("since-mark", K(since_mark), "", marks, "how sure that is: V, C or M"),
	TEXT("until", DATE(1), "", 10, standard_date_check, "last day in force, YYYY-MM-DD"),
	CHOICE("until-mark", K(until_mark), "", marks, "how sure that is: V, C or M"),
	TEXT("transition-before", DATE(2), "", 10, standard_date_check, "plants from before this day may keep it"),
	TEXT("transition-until", DATE(3), "", 10, standard_date_check, "last day on which they may"),
	CHOICE("transition-mark", K(transition_mark), "", marks, "how sure that is: V, C or M"),
	TEXT("replaced-by", K(replaced_by), "", TITLE, config_text_check, "what comes after it"),
	NAMES("formula", FIELD(catalogue_draft, formula), "", N_FACTORS, "coefficients that values are multiplied by, such as [Kq, Kf]"),
	CHOICE("formula-mark", K(formula_mark), "", marks, "how sure that is: V, C or M"),
	TEXT("incomplete", K(incomplete), "", PROSE, config_text_check, "what of it is not known here"),
	LIST("marks", 1, &source_mark_group, "where figures of each mark are from"),
	LIST("columns", 1, &column_group, "the columns or zones of its tables"),
	LIST("cases", 0, &case_group, "plants that have figures of their own"),
	LIST("coefficients", 0, &table_group, "tables of the formula's coefficients"),
	LIST("parameters", 0, &parameter_group, "what is limited"),
};
const struct config_group config_catalogue_group = GROUP_HOOKS(
	"standard", catalogue_options, catalogue_draft, NULL, config_finish_catalogue, config_done_catalogue);
/* clang-format on */
