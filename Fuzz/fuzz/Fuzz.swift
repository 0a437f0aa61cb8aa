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
            target = named(name)
            run = target.start()
            startFuzzer()
        default: fail("expected a target, --list or --seeds TARGET DIRECTORY")
        }
    }

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

    /// Hands the command line over, the target's name taken out.
    private static func startFuzzer() -> Never {
        var pointers = (0..<CommandLine.arguments.count).filter { $0 != 1 }.map { CommandLine.unsafeArgv[$0] }
        pointers.append(nil)
        var count = CInt(pointers.count - 1)
        let status = pointers.withUnsafeMutableBufferPointer { pointers in
            var start = pointers.baseAddress
            return LLVMFuzzerRunDriver(&count, &start) { runOnce($0!, $1) }
        }
        exit(status)
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
