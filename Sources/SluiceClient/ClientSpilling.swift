import NIOCore
import NIOPosix
import StreamProtocol

// Between the window, the spill's files and the event loop. Files are written and read on threads that may block.

extension SluiceClient {
    /// Opens the spill that is configured.
    static func openSpill(_ configuration: ClientConfiguration) async throws(ClientError) -> Spill? {
        guard let spill = configuration.spill else { return nil }
        let least = (configuration.windowBatches + 16) * SpillEntryHeader.largestEntryByteCount
        guard spill.mostBytes >= least else {
            throw .invalidArgument(
                "a spill of \(spill.mostBytes) bytes, expected at least \(least) for a window of "
                    + "\(configuration.windowBatches) batches")
        }
        return try await onThread { () throws(SpillFault) in try Spill(spill) }
    }

    /// Takes up what lies in the spill, when it is for where the client is connected; else the client ends.
    static func begin(
        _ spill: Spill, for welcome: Welcome, _ window: SendWindow, _ core: NIOLoopBound<ClientCore>
    ) async throws(ClientError) {
        do throws(ClientError) {
            try await onThread { () throws(SpillFault) in
                try spill.bind(SpillAddressee(ledgerID: welcome.ledgerID, sourceCodes: welcome.sourceCodes))
            }
        } catch {
            core.eventLoop.execute { core.value.end(error) }
            throw error
        }
        window.takeUp(spill.leftovers.batchCount, byteCount: spill.byteCount)
        Task { await drain(spill, window, core) }
    }

    /// Puts batches of the spill into the window, as there is room, until the client ends.
    static func drain(_ spill: Spill, _ window: SendWindow, _ core: NIOLoopBound<ClientCore>) async {
        while let slot = await window.slotForSpilled() {
            do throws(ClientError) {
                try await onThread { () throws(SpillFault) in try spill.readNext(into: slot) }
            } catch {
                return core.eventLoop.execute { core.value.end(error) }
            }
            if window.submitSpilled(slot) { core.eventLoop.execute { core.value.transmit() } }
        }
    }

    /// Runs what blocks on a thread that may.
    static func onThread<T: Sendable>(
        _ body: @escaping @Sendable () throws(SpillFault) -> T
    ) async throws(ClientError) -> T {
        do {
            return try await NIOThreadPool.singleton.runIfActive(body)
        } catch let fault as SpillFault {
            throw .spill(fault)
        } catch {
            throw .closed
        }
    }
}
