/// Why an inquiry cannot be made.
public enum InquiryError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Weeks and months do not go together.
    case weeksOfMonths
    /// A comparison of whole spans needs to know them.
    case comparisonNeedsSpan
    /// A moving average needs rows by day.
    case averageNeedsDays
    /// The figure does not add up, so it has no share.
    case noShare(String)
    /// The target is for a figure that is not asked for or is no percentage.
    case noTarget(String)
    /// A figure has one target.
    case targetTwice(String)
    /// Figures that look at days before need to know them as a span.
    case daysByFilter
    /// The figure cannot be had together with something.
    case notWith(figure: String, what: String)

    /// What is wrong and what would be right.
    public var description: String {
        switch self {
        case .weeksOfMonths: "a month cannot be compared with the week before: compare with previous or year"
        case .comparisonNeedsSpan:
            "without day or month among the dimensions a span is compared: name its first and its last day"
        case .averageNeedsDays: "a moving average needs day among the dimensions"
        case .noShare(let figure):
            "\(figure) does not add up over rows, as counts and sums do: it has no total and no share of one"
        case .noTarget(let figure): "a target needs a percentage that is asked for, and \(figure) is none"
        case .targetTwice(let figure): "\(figure) has two targets: name one"
        case .daysByFilter:
            "comparisons, moving averages and backlogs look at days before: name the days as the first and the last, not as "
                + "a condition on day or month"
        case .notWith(let figure, let what): "\(figure) cannot be had with \(what)"
        }
    }
}
