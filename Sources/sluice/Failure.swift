import Analysis
import ArgumentParser
import Formats
import Foundation
import Ledger
import Rollups
import Service
import SluiceClient
import Storage
import StreamProtocol
import Tables

extension ExitCode {
    /// Done, but some rows were rejected or in conflict.
    static let rowsRejected = ExitCode(1)
    /// A ledger is damaged, or a file cannot be read at all.
    static let damage = ExitCode(65)
    /// The ledger is in use, or the server cannot be reached.
    static let unavailable = ExitCode(69)
    /// The server does not know who this is, or does not allow it.
    static let notAllowed = ExitCode(77)
    /// A statement was stopped, by a limit or by the user.
    static let stopped = ExitCode(75)
    /// Reading or writing failed.
    static let inputOutput = ExitCode(74)

    /// The code of an error that ends a command.
    init(for error: any Error) {
        switch error {
        case LedgerError.inUse: self = .unavailable
        case is LogError, is CatalogueError, is FormatError, is IndexError, is DamageError, is RebuildError:
            self = .damage
        case let error as SQLiteError where error.isDamage: self = .damage
        case ClientError.failed(let failure) where failure.cause == .damaged: self = .damage
        case ClientError.failed(let failure) where failure.cause == .notAllowed: self = .notAllowed
        case ClientError.refused(let fault) where fault.code == .refusedCredentials: self = .notAllowed
        case let refusal as Refusal where refusal.cause == .damaged: self = .damage
        case let failure as RequestFailure where failure.cause == .damaged: self = .damage
        case let fault as SQLFault where fault.isStopped: self = .stopped
        case RollupError.damaged: self = .damage
        case is LedgerError, is UsageError, is CertificateError, is SQLFault, is AttributeFault, is InquiryError,
            is RollupError:
            self = .validationFailure
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

/// A file or stream that cannot be read or written.
struct InputOutputError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Why Foundation could not read or write, in the system's own words where it gives them.
func reason(of error: any Error) -> String {
    let error = error as NSError
    let cause = error.userInfo[NSUnderlyingErrorKey] as? NSError ?? error
    return cause.domain == NSPOSIXErrorDomain
        ? String(cString: strerror(Int32(cause.code))) : error.localizedDescription
}

/// Runs a command's work; an error becomes one line on standard error and an exit code.
func reportingErrors(_ work: () async throws -> Void) async throws {
    do {
        try await work()
    } catch let code as ExitCode {
        throw code
    } catch {
        complain("sluice: \(error is CocoaError ? reason(of: error) : "\(error)")")
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
        throw InputOutputError("cannot write to standard output: \(reason(of: error))")
    }
}
