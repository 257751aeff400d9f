/* SPDX-License-Identifier: Apache-2.0 */
/* The C shim: what Swift cannot embed, import or call by itself. */
#pragma once
#include <stddef.h>
