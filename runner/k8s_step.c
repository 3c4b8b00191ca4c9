/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/k8s_step.h"

#include "runner/base/mem.h"

char *k8s_step_simulated(const struct wpk *wpk, const struct wpk_step *step, const struct k8s_fixtures *fixtures)
{
	(void)wpk;
	(void)step;
	(void)fixtures;
	return xstrdup("this version cannot act on clusters yet");
}

int k8s_step_run(const struct k8s_context *ctx, struct step_result *step, struct error *err)
{
	const struct wpk *wpk = decision_wpk(ctx->plan->decision);

	(void)err;
	step->mode = STEP_MODE_SIMULATED;
	step->status = STEP_NOT_EXECUTED;
	step->reason = k8s_step_simulated(wpk, step->plan->step, ctx->fixtures);
	return 0;
}
