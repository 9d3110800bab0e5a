import SectoralJinja

final class RegexModule: Object {
}
