import CLibFuzzer
import Foundation
import FuzzTargets

/// `fuzz TARGET [OPTION OF LIBFUZZER...] [CORPUS...]`, `fuzz --list`, `fuzz --seeds TARGET DIRECTORY`.
@main struct Fuzz {
    /// The target of this process, and how it is run. Set before the fuzzer starts, which has one thread.
    nonisolated(unsafe) static var target = FuzzTarget.all[0]
    nonisolated(unsafe) static var run: FuzzTarget.Run = { _ in false }

    static func main() throws {
        let arguments = CommandLine.arguments
        switch arguments.dropFirst().first {
        case "--list": FuzzTarget.all.forEach { print($0.name, $0.largestByteCount) }
        case "--seeds" where arguments.count == 4: try writeSeeds(of: named(arguments[2]), to: arguments[3])
        case let name? where !name.hasPrefix("-"):
            setenv(targetVariable, name, 1)
            startFuzzer(named(name), CommandLine.unsafeArgv.dropping(1, count: arguments.count))
        default:
            guard let name = ProcessInfo.processInfo.environment[targetVariable] else {
                fail("expected a target, --list or --seeds TARGET DIRECTORY")
            }
            startFuzzer(named(name), CommandLine.unsafeArgv.dropping(nil, count: arguments.count))
        }
    }

    /// Tells a process that the fuzzer starts, as it does to merge corpora, which target it is for.
    private static let targetVariable = "SLUICE_FUZZ_TARGET"

    private static func named(_ name: String) -> FuzzTarget {
        guard let target = FuzzTarget.all.first(where: { $0.name == name }) else {
            fail("there is no target \(name); there are \(FuzzTarget.all.map(\.name).joined(separator: ", "))")
        }
        return target
    }

    private static func fail(_ text: String) -> Never {
        FileHandle.standardError.write(Data("fuzz: \(text)\n".utf8))
        exit(2)
    }

    private static func writeSeeds(of target: FuzzTarget, to directory: String) throws {
        for (number, seed) in target.seeds().enumerated() {
            try Data(seed).write(to: URL(fileURLWithPath: "\(directory)/seed-\(target.name)-\(number)"))
        }
    }

    /// Hands a command line without the target's name over.
    private static func startFuzzer(_ target: FuzzTarget, _ arguments: [UnsafeMutablePointer<CChar>?]) -> Never {
        (Fuzz.target, run) = (target, target.start())
        var arguments = arguments + [nil]
        var count = CInt(arguments.count - 1)
        let status = arguments.withUnsafeMutableBufferPointer { arguments in
            var start = arguments.baseAddress
            return LLVMFuzzerRunDriver(&count, &start) { runOnce($0!, $1) }
        }
        exit(status)
    }
}

extension UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> {
    /// The first `count` strings, but for the one at `position`.
    fileprivate func dropping(_ position: Int?, count: Int) -> [UnsafeMutablePointer<CChar>?] {
        (0..<count).filter { $0 != position }.map { self[$0] }
    }
}

/// Runs the target on one input, under the name by which libFuzzer's library knows it.
@_cdecl("LLVMFuzzerTestOneInput")
public func runOnce(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    do {
        _ = try Fuzz.run(UnsafeRawBufferPointer(start: bytes, count: count))
    } catch {
        fatalError("\(Fuzz.target.name): \(error)")
    }
    return 0
}

/// libFuzzer's own change, after which checksums are made to match in seven cases of eight: the parsers behind them are
/// reached, and those that look at the checksums are not forgotten.
@_cdecl("LLVMFuzzerCustomMutator")
public func mutate(_ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, _ capacity: Int, _ seed: CUnsignedInt) -> Int {
    let mutated = LLVMFuzzerMutate(bytes, count, capacity)
    if let repair = Fuzz.target.repair, seed % 8 != 0 {
        repair(UnsafeMutableRawBufferPointer(start: bytes, count: mutated))
    }
    return mutated
}
