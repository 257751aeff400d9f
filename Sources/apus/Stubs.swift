// SPDX-License-Identifier: Apache-2.0
internal import CLI
func runAgent(_ options: AgentOptions) throws(Failure) {}
func runDoctor(_ options: DoctorOptions) throws(Failure) {}
func checkConfig(_ options: AgentOptions) throws(Failure) {}
func printConfig(_ options: AgentOptions) throws(Failure) {}
