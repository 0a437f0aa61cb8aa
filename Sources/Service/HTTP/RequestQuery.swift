import Formats
import Foundation
import Hummingbird

/// The parameters of a request's query: each must be one that is known, and all but lists come at most once.
struct RequestQuery {
    private let parameters: [(name: String, value: String)]

    /// - Parameter known: the names that may come.
    init(_ request: Request, known: [String]) throws(Problem) {
        parameters = request.uri.queryParameters.map { (String($0.key), String($0.value)) }
        for (name, _) in parameters where !known.contains(name) {
            throw Problem(
                .unknownParameter,
                "'\(name)'\(Nearest.suggestion(name, among: known)); there are \(known.joined(separator: ", "))")
        }
    }

    /// Every value of a parameter that may be repeated.
    func values(_ name: String) -> [String] { parameters.filter { $0.name == name }.map(\.value) }

    /// The value; nil when it is not there.
    func value(_ name: String) throws(Problem) -> String? {
        let values = values(name)
        guard values.count <= 1 else { throw Problem(.badParameter, "'\(name)' comes \(values.count) times") }
        return values.first
    }

    /// The value as `parse` reads it; nil when it is not there.
    func value<Value>(_ name: String, _ expected: String, _ parse: (String) -> Value?) throws(Problem) -> Value? {
        guard let text = try value(name) else { return nil }
        guard let value = parse(text) else {
            throw Problem(.badParameter, "\(name): '\(text)' was found, \(expected) was expected")
        }
        return value
    }

    /// Words with commas between; nil when the parameter is not there.
    func words(_ name: String) throws(Problem) -> [String]? {
        try value(name)?.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }

    /// True for `true`, and when the name stands alone.
    func flag(_ name: String) throws(Problem) -> Bool {
        try value(name, "true or false") { ["": true, "true": true, "false": false][$0] } ?? false
    }
}
