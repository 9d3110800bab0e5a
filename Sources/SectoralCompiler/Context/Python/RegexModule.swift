import SectoralJinja

final class RegexModule: ContextObject {
}
