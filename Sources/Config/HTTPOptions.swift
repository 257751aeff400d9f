// SPDX-License-Identifier: Apache-2.0
// The options of the HTTP endpoint and of the page that Prometheus scrapes.

extension OptionTable {
  static let http: [OptionRow] = [
    OptionRow(
      .httpTLSCertificate, .file, nil, "Serve over TLS with this certificate chain, a PEM file"),
    OptionRow(.httpTLSKey, .file, nil, "The certificate's key, a PEM file"),
    OptionRow(
      .httpToken, .secret, nil, "Answer only who shows this token, but for /healthz and /readyz"),
    OptionRow(.httpTokenFile, .file, nil, "The same with a token that is read from a file"),
    OptionRow(
      .prometheusBucketsPerPower, .choice(["1", "2", "4", "8"]), .choice("1"),
      "Classic buckets of a histogram for each power of two"),
    OptionRow(
      .prometheusCreated, .boolean, .boolean(false),
      "In OpenMetrics a _created sample beside each counter and histogram"),
    OptionRow(
      .prometheusScopeLabels, .boolean, .boolean(false),
      "Labels otel_scope_name, _version and _schema_url on every sample"),
  ]
}
