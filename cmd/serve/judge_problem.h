/* SPDX-License-Identifier: Apache-2.0
 * judge_problem: what to tell a client whose package could not be judged, or is none. */
#pragma once

#include "cmd/serve/judge.h"
#include "cmd/serve/request.h"

/* It was not judged: 503 when it had to wait too long, else 422: a package that brings a worker down is told of as such. */
struct response *judge_problem(const struct judge_answer *a);
/* It was, and is no valid package: `status` with the first error as detail, and all of them. What could not be fetched: 502. */
struct response *judge_invalid(const struct judge_answer *a, int status);
