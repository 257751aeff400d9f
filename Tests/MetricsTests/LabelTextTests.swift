// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Metrics

@Suite("labels")
struct LabelTextTests {
  private func render(_ pairs: KeyValuePairs<String, String>) -> String {
    String(decoding: LabelText.render(pairs.map(\.key), pairs.map(\.value)), as: UTF8.self)
  }

  @Test("names that are the same to Prometheus are one label, with their values by those names")
  func collision() {
    #expect(render(["a_b": "1", "c": "2", "a.b": "3"]) == #"a_b="3;1",c="2""#)
    #expect(render(["a.b": "3", "a-b": "2", "a..b": "1"]) == #"a_b="2;1;3""#)
    #expect(render(["é.b": "é", "_b": "_", "-b": "-"]) == #"_b="-;_;é""#)
    #expect(render(["a.b": "", "a_b": "3"]) == #"a_b="3""#)
  }

  @Test(
    "what no name may have is one underscore however long it is, and never two in front",
    arguments: [
      ("é", "_"), (".-x", "_x"), ("..name..", "_name_"), ("__name__", "_name_"), ("__", "_"),
      ("a__b..c", "a_b_c"), ("2b", "key_2b"), ("2", "key_2"), (".2", "_2"), ("日本", "_"),
      ("A:b", "A_b"),
      ("", "key_"),
    ])
  func names(name: String, expected: String) {
    #expect(render([name: "x"]) == "\(expected)=\"x\"")
  }

  @Test("values are escaped")
  func escaped() {
    #expect(render(["a": "\\ \" \n"]) == #"a="\\ \" \n""#)
  }
}
