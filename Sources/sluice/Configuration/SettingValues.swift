import Configuration
import Formats
import Foundation
import SystemPackage

/// The daemon's settings with where each was said: flags go before the environment, and that before the file.
struct SettingValues {
    /// Where a value was said.
    enum Origin: Hashable, CustomStringConvertible {
        case flag(String)
        case variable(String)
        case file(String)
        case standard

        var description: String {
            switch self {
            case .flag(let name): name
            case .variable(let name): name
            case .file(let path): path
            case .standard: "default"
            }
        }
    }

    /// A value as text, and its origin.
    struct Value: Hashable {
        var text: String
        var origin: Origin
    }

    private(set) var values: [Setting: Value] = [:]
    /// The file that was read; nil when there was none.
    private(set) var file: String?

    subscript(setting: Setting) -> Value? { values[setting] }

    /// Reads all that is said.
    /// - Parameters:
    ///   - flags: what was said on the command line.
    ///   - path: the file that was named there; else SLUICE_CONFIG names one, else `sluice.json` in the ledger's directory is
    ///     read when it is there.
    /// - Throws: `UsageError` that names the place of what is not understood.
    init(flags: [Setting: String], file path: String?, environment: [String: String]) async throws {
        try SettingValues.checkNames(in: environment)
        let arguments = InMemoryProvider(
            name: "flags",
            values: Dictionary(
                uniqueKeysWithValues: try flags.map {
                    (AbsoluteConfigKey([$0.name]), try $0.value(of: $1, "--\($0.name)"))
                }))
        let variables = EnvironmentVariablesProvider(environmentVariables: environment).prefixKeys(with: "sluice")
        let directory = flags[.data] ?? environment[Setting.data.variable]
        file = path ?? environment["SLUICE_CONFIG"] ?? directory.flatMap(SettingValues.file(in:))
        var providers: [(any ConfigProvider, (Setting) -> Origin)] = [
            (arguments, { .flag((flags[$0] == "false" ? "--no-" : "--") + $0.name) }),
            (variables, { .variable($0.variable) }),
        ]
        if let file {
            try SettingValues.checkNames(inFile: file)
            let provider = try await FileProvider<JSONSnapshot>(filePath: FilePath(file))
            providers.append((provider, { _ in .file(file) }))
        }
        for setting in Setting.allCases {
            for (provider, origin) in providers where values[setting] == nil {
                guard let text = try setting.text(from: provider, origin(setting)) else { continue }
                values[setting] = Value(text: text, origin: origin(setting))
            }
            if values[setting] == nil, let standard = setting.standard {
                values[setting] = Value(text: standard, origin: .standard)
            }
        }
    }

    private static func file(in directory: String) -> String? {
        let path = directory + "/sluice.json"
        // A link that leads nowhere is there as well, and is told of when it is opened.
        return (try? FileManager.default.attributesOfItem(atPath: path)) == nil ? nil : path
    }

    /// A variable that is nearly one of ours was meant to be it.
    private static func checkNames(in environment: [String: String]) throws {
        let prefix = "SLUICE_"
        let known = (Setting.allCases.map(\.variable) + ["SLUICE_CONFIG", "SLUICE_TOKEN"]).map {
            String($0.dropFirst(prefix.count))
        }
        // Variables that hold keys of account tokens are named by the user.
        for variable in environment.keys.sorted()
        where variable.hasPrefix(prefix) && !variable.hasPrefix("SLUICE_TOKEN_KEY") {
            let name = String(variable.dropFirst(prefix.count))
            guard !known.contains(name), let nearest = Nearest.match(name, among: known) else { continue }
            throw UsageError("the environment's \(variable) is not known; did you mean \"\(prefix)\(nearest)\"?")
        }
    }

    private static func checkNames(inFile path: String) throws {
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw UsageError("cannot read the configuration \(path): \(String(cString: strerror(errno)))")
        }
        let bytes = try handle.readToEnd() ?? Data()
        guard let object = try? JSONDecoder().decode([String: Scalar].self, from: bytes) else {
            throw UsageError("\(path): expected one JSON object, such as {\"http\": \"127.0.0.1:7580\"}")
        }
        do { try checkJSON(bytes) } catch { throw UsageError("\(path): \(error)") }
        let known = Setting.allCases.map(\.name)
        for name in object.keys.sorted() where !known.contains(name) {
            throw UsageError(
                "\(path): '\(name)' is not known\(Nearest.suggestion(name, among: known)); there are \(known.joined(separator: ", "))"
            )
        }
        for setting in Setting.allCases {
            guard let value = object[setting.name], value.kind != setting.kind else { continue }
            throw UsageError("\(path): \(setting.name): expected \(setting.expectation)")
        }
    }
}

/// A value in a file, by its kind alone; nil: one that no setting has.
private struct Scalar: Decodable {
    let kind: Setting.Kind?

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        kind =
            if (try? value.decode(Bool.self)) != nil {
                .flag
            } else if (try? value.decode(Int.self)) != nil {
                .number
            } else if (try? value.decode(String.self)) != nil {
                .text
            } else {
                nil
            }
    }
}

extension Setting {
    fileprivate var expectation: String {
        switch kind {
        case .text: "a text"
        case .number: "a whole number"
        case .flag: "true or false"
        }
    }

    /// The value that a text on the command line stands for.
    fileprivate func value(of text: String, _ place: String) throws -> ConfigValue {
        switch kind {
        case .text: return ConfigValue(.string(text), isSecret: false)
        case .number:
            guard let number = Int(text) else { throw UsageError("\(place) '\(text)': expected a whole number") }
            return ConfigValue(.int(number), isSecret: false)
        case .flag: return ConfigValue(.bool(text == "true"), isSecret: false)
        }
    }

    /// What a provider says of it, as text; nil when it says nothing.
    fileprivate func text(from provider: any ConfigProvider, _ origin: SettingValues.Origin) throws -> String? {
        let key = AbsoluteConfigKey([name])
        do {
            switch kind {
            case .text:
                guard case .string(let text)? = try provider.value(forKey: key, type: .string).value?.content else {
                    return nil
                }
                return text
            case .number:
                guard case .int(let number)? = try provider.value(forKey: key, type: .int).value?.content else {
                    return nil
                }
                return String(number)
            case .flag:
                guard case .bool(let isSet)? = try provider.value(forKey: key, type: .bool).value?.content else {
                    return nil
                }
                return String(isSet)
            }
        } catch {
            throw UsageError("\(origin): \(name): expected \(expectation)")
        }
    }
}
