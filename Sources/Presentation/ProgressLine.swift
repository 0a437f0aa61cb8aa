import Foundation

/// A line on standard error that says how far long work has come, rewritten in place and erased at the end.
///
/// It is silent where standard error is no terminal, and writes at most ten times a second.
public final class ProgressLine {
    private let write: ((String) -> Void)?
    private let clock: () -> ContinuousClock.Instant
    private let width: Int
    private var lastWrite: ContinuousClock.Instant?
    private var isShown = false

    /// A line on standard error, if that is a terminal.
    public convenience init() {
        let isTerminal = isatty(STDERR_FILENO) == 1
        self.init(
            width: terminalWidth(STDERR_FILENO) ?? 80,
            write: isTerminal ? { FileHandle.standardError.write(Data($0.utf8)) } : nil,
            clock: { ContinuousClock.now })
    }

    /// A line that goes where `write` takes it; nil: nowhere.
    init(width: Int, write: ((String) -> Void)?, clock: @escaping () -> ContinuousClock.Instant) {
        self.width = width
        self.write = write
        self.clock = clock
    }

    /// Shows the text, unless the last one was shown less than a tenth of a second ago.
    /// - Parameter text: made only when it is shown.
    public func show(_ text: @autoclosure () -> String) {
        guard let write else { return }
        let now = clock()
        if let lastWrite, now - lastWrite < .milliseconds(100) { return }
        lastWrite = now
        isShown = true
        write("\r\u{1B}[K" + fitted(harmless(text()), to: max(1, width - 1)))
    }

    /// Erases the line.
    public func finish() {
        guard let write, isShown else { return }
        isShown = false
        write("\r\u{1B}[K")
    }
}

/// Columns of the terminal behind a file descriptor; nil where it is none.
public func terminalWidth(_ file: Int32 = STDOUT_FILENO) -> Int? {
    var size = winsize()
    guard isatty(file) == 1, ioctl(file, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
}
