import ArgumentParser
import Formats
import Foundation
import Ledger
import SluiceClient
import Storage

extension ExitCode {
    /// Done, but some rows were rejected or in conflict.
    static let rowsRejected = ExitCode(1)
    /// A ledger is damaged, or a file cannot be read at all.
    static let damage = ExitCode(65)
    /// The ledger is in use, or the server cannot be reached.
    static let unavailable = ExitCode(69)
    /// Reading or writing failed.
    static let inputOutput = ExitCode(74)

    /// The code of an error that ends a command.
    init(for error: any Error) {
        switch error {
        case LedgerError.inUse: self = .unavailable
        case is LogError, is CatalogueError, is FormatError, is IndexError: self = .damage
        case is LedgerError, is UsageError: self = .validationFailure
        case is ClientError: self = .unavailable
        default: self = .inputOutput
        }
    }
}

/// Words of the command that do not fit together or name nothing.
struct UsageError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// A file or stream that cannot be written.
struct OutputError: Error, CustomStringConvertible {
    let description: String

    init(_ place: String, _ error: any Error) {
        description = "cannot write to \(place): \(error.localizedDescription)"
    }
}

/// Runs a command's work; an error becomes one line on standard error and an exit code.
func reportingErrors(_ work: () async throws -> Void) async throws {
    do {
        try await work()
    } catch let code as ExitCode {
        throw code
    } catch {
        complain("sluice: \(error)")
        throw ExitCode(for: error)
    }
}

/// Writes a line to standard error.
func complain(_ line: String) { FileHandle.standardError.write(Data((line + "\n").utf8)) }

/// Writes to standard output; a reader that went away ends the command quietly.
func emit(_ text: String) throws { try emit(Array(text.utf8)) }

func emit(_ bytes: [UInt8]) throws {
    do {
        try FileHandle.standardOutput.write(contentsOf: Data(bytes))
    } catch {
        throw OutputError("standard output", error)
    }
}
