import Formats
import Synchronization

/// The mappings that requests may name; they may be replaced at any time.
final class NamedMappings: Sendable {
    private let mappings: Mutex<[String: Mapping]>

    init(_ mappings: [String: Mapping]) { self.mappings = Mutex(mappings) }

    func replace(by mappings: [String: Mapping]) { self.mappings.withLock { $0 = mappings } }

    func mapping(_ name: String) throws(Problem) -> Mapping {
        let mappings = mappings.withLock(\.self)
        guard let mapping = mappings[name] else {
            throw Problem(
                .badParameter,
                "mapping: the daemon has no '\(name)'\(Nearest.suggestion(name, among: mappings.keys.sorted()))")
        }
        return mapping
    }
}
