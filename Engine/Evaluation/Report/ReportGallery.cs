using Osprey.Engine.Datasets;

namespace Osprey.Engine.Evaluation.Report;

/// <summary>Queries and their nearest neighbours: right ones framed green with a tick, wrong ones red and dashed with a cross and their class.</summary>
static class ReportGallery
{
    public static void Write(Markup page, Gallery gallery, Thumbnail thumbnails)
    {
        foreach (IGrouping<GalleryReason, GalleryRow> group in gallery.Rows.GroupBy(r => r.Reason))
        {
            page.Element("h3", Heading(group.Key, gallery));
            foreach (GalleryRow row in group) Query(page, gallery, row, thumbnails);
        }
    }

    static string Heading(GalleryReason reason, Gallery gallery) => reason switch
    {
        GalleryReason.Sample => "Queries drawn at random",
        GalleryReason.Best => $"Best queries of {gallery.Models[^1]}",
        GalleryReason.Worst => $"Worst queries of {gallery.Models[^1]}",
        GalleryReason.Gained => $"Gained most from {gallery.Models[0]} to {gallery.Models[^1]}",
        _ => $"Lost most from {gallery.Models[0]} to {gallery.Models[^1]}",
    };

    static void Query(Markup page, Gallery gallery, GalleryRow row, Thumbnail thumbnails)
    {
        string name = gallery.Classes[row.Query.Label];
        using (page.Open("div", "class", "query"))
        {
            Asked(page, thumbnails.DataUri(row.Query), name, row.Query);
            using (page.Open("div", "class", "answers"))
                for (int m = 0; m < row.Answers.Count; m++)
                    using (page.Open("div", "class", "answer"))
                    {
                        GalleryAnswer answer = row.Answers[m];
                        page.Element("span", $"{gallery.Models[m]}: AP {Markup.Percent(answer.AveragePrecision)}, {Right(answer)} of the first {answer.Neighbours.Count} right");
                        Strip(page, gallery, answer, thumbnails);
                    }
        }
    }

    public static int Right(GalleryAnswer answer) => answer.Neighbours.Count(n => n.Right);

    /// <summary>The query with its class and file.</summary>
    public static void Asked(Markup page, string? picture, string name, LabelledImage image)
    {
        using (page.Open("div", "class", "asked"))
        {
            Picture(page, picture, $"query: {name}");
            using (page.Open("span")) page.Element("strong", name).Empty("br").Element("span", Path.GetFileName(image.Path), "class", "soft");
        }
    }

    /// <summary>Neighbours in their order.</summary>
    public static void Strip(Markup page, Gallery gallery, GalleryAnswer answer, Thumbnail thumbnails)
    {
        using (page.Open("ol", "class", "strip"))
            foreach (GalleryNeighbour neighbour in answer.Neighbours)
            {
                string name = gallery.Classes[neighbour.Image.Label];
                using (page.Open("li", "class", neighbour.Right ? "hit" : "miss", "title", $"{name}, cosine {neighbour.Score:0.000}"))
                {
                    using (page.Open("span", "class", "frame"))
                    {
                        Picture(page, thumbnails.DataUri(neighbour.Image), $"{(neighbour.Right ? "right" : "wrong")}: {name}");
                        page.Element("b", neighbour.Right ? "✓" : "✗", "aria-hidden", "true");
                    }
                    // The picture's words say it already to those who listen.
                    if (!neighbour.Right) page.Element("small", name, "aria-hidden", "true");
                }
            }
    }

    public static void Picture(Markup page, string? uri, string alt)
    {
        if (uri is not null) page.Empty("img", "src", uri, "alt", alt, "width", $"{Thumbnail.Side}", "height", $"{Thumbnail.Side}", "decoding", "async");
        else page.Element("div", "not readable", "class", "gone");
    }
}
