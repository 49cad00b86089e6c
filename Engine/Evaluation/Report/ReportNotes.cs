namespace Osprey.Engine.Evaluation.Report;

/// <summary>What the figures mean, for a reader who has only the page.</summary>
static class ReportNotes
{
    static readonly (string Term, string Meaning)[] Notes =
    [
        ("Protocol", "Every image is a query against all the others; an answer is right if it shares the query's class; the query itself is left out; similarity is the inner product of unit descriptors; equal scores go to the lower id. A query whose class has no other image is left out of the means."),
        ("mAP", "Mean over queries of the average precision: (1/n) Σ of the precision at each of the n right answers. The trapezoid variant is the area under the precision–recall curve as the Oxford buildings benchmark computes it; it is never larger."),
        ("P@k", "Share of right answers among the first k."),
        ("ANMRR", "Average normalised modified retrieval rank (MPEG-7), K = min(4n, 2·max n), a rank beyond K counted as K + 1. 0 is perfect, 1 the worst."),
        ("k-NN", "The k nearest training images vote with their cosine; a tie goes to the class of the nearest."),
        ("Class mean, N-shot", "Nearest mean of N support images a class, drawn several times with seeds."),
        ("Simple CNAPS, N-shot", "The class of smallest squared Mahalanobis distance to the mean of the same support images; a class's covariance is drawn towards that of all and towards the identity (Bateni et al. 2020, without their learned adaptation)."),
        ("Linear probe", "Multinomial logistic regression with L2 on the frozen descriptors, fitted to convergence."),
        ("Attacked", "Projected gradient ascent on the pixels from a random start, within ε of the image: at most ε a value (ℓ∞), or of Euclidean length ε over the whole picture (ℓ2), values being 0…1. Of several starts each figure of each image is its worst."),
        ("Corrupted", "The picture that the network takes, 256 levels a value, is changed before normalisation: blurred, given noise, veiled, compressed, made darker or brighter, flattened, turned. One seed an image, the same for all severities and models."),
        ("Intervals", "95 % percentile bootstrap over queries, or over tested images. They speak of other queries to the same collection. A difference of two models is paired by query, so its interval is narrower than the two side by side suggest."),
    ];

    public static void Write(Markup page)
    {
        using (page.Open("dl"))
            foreach ((string term, string meaning) in Notes)
            {
                using (page.Open("dt")) page.Element("strong", term);
                page.Element("dd", meaning);
            }
    }
}
