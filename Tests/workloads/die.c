/* SPDX-License-Identifier: Apache-2.0 */
/* die SIGNAL: kills itself with the signal of that number, dumping core where that is its effect.
 */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

int main(int count_of_arguments, char **arguments)
{
	if (count_of_arguments < 2)
		return 2;
	kill(getpid(), atoi(arguments[count_of_arguments - 1]));
	/* A signal to oneself is delivered before kill returns, unless it was blocked or ignored.
	 */
	return 3;
}
