using System.IO.Compression;

namespace Osprey.Tests.Interop;

/// <summary>
/// Two files of PyTorch 1.13's torch.save, gzipped, one of each layout, of this object:
/// <code>
/// base, shared = torch.arange(6.), torch.arange(10)
/// weights = OrderedDict([('module.w', base.reshape(2, 3).t()), ('module.v', shared[3:5]), ('module.s', torch.tensor(2.5, dtype=torch.float16))])
/// {'epoch': 7, 'best': torch.tensor(.5), 'state_dict': weights, 'opt': {'lr': [1e-3, None, True], 'set': {1}}}
/// </code>
/// </summary>
static class PyTorchSamples
{
    const string ZipBase64 =
        "H4sIAJ5iBGsC/6VUy27TQBQd24mTmpKW8mh5FVpeDrRpm7Ckahoh02p4uEZIVqViuY6po5o4156EVaVuUtEdSEjsEAs2bFnyF/QLWCCxhhVILBg/mtquSlUxyuQmnnvOPXPvSWTMZRDK"
        + "59G+NYiGkO4aVqNjTtV1opda67ZUK6DlxNpkNwCJapYCzJZjWMDgnEoZ0arpEWAN4lCKktYmDdsTNNdcbTfsukbMpue4WqcsACeKao7mezRTXzMhE0IEyXZ08jh8KEBWZWjONPAqR6PR"
        + "akMOMwTySxgVi9uG4di2aZCG0/SER27ddM363YZBBOgrKiAQOKZAvyoEVXRianV6Bsct/7Agqv7dnzv1tm2WXsCARQVZGSssOAODVg7zBE7QQpjD7BYMYQZzW3ByO4CfInBagTNxjg4M"
        + "hxzRRe47zbXePUYC2jKcpbRU17kln7QL5zHThQsh5UUCowpcilN6cDlBuaDbz3qUYwFlBcatoCVXwpYEVFcJXFPgejtomtMicGMDaLtZ+s12obgCN8V7c/Lqg50fH/88fGkGaZ5J4Jah"
        + "af6gSKOpaQJ9IsDECkxiRu9CSYGpdrsk41x+8fOnhV+0uL/lA31UQP0JH01NS7V8z0U0Yc7nGvs5/ta3jb//xVVNcs1ItTspRx5thbybc/StSl90b9L9vuprGn71/fUIPRg5RNNEUlNZ"
        + "qonoaPURYqLIRpGLYiaK2SjyUcxFcVdQXxR93R++dZ/K/udDdN9O6q5Itekj9xLN+xV/G2yVjdQfXHEAzfcqdkzXoz9XqTb7X+Nbrgh+/S/v1p7s1WeCJu4qiLt0cJ+m9D9cGh33ZSGB"
        + "XGBRytdpbNw/SeybNHYmjY3PMIkVuRS2nMbGp5HEfk1jK2lsvJMDCaySQenpyZjnJ6LjUW6yl8qn4nrk7p3Mrkn5wL+z/J75ZZzlQwwf5Ie5fwHfQZIGnwYAAA==";

    const string LegacyBase64 =
        "H4sIAJ5iBGsC/12SSW/TQBSAvWUbKJSdspbdYQlpm6bpKUVCLZJpac3Fl8hy7KE2Mp48exwEUqRcUrX8Bg4c4e/wLzhyROqB5yVRkifPPPnNm+9tM5S+Ef/0+/a/5Y8/95dqQ2n3j4z7"
        + "AATVWBQEoRcyzmzmm30aRh4LQEQHYwFPfI9zn5o0cDwrAOnYIGjkX3rUjLyvNAJ5AIpqFNAYuSzkUNAkQ8Y/L+BQ1BRDSRgsOISSpsTxOGbiT3vMdkHUSqlPl0YcJJuz0HZrZsw9PyJm"
        + "SLux5zsmp0HEQrO/SkBWVaOURENP65CCkl0h2z6z+PvMSKBgVNBnfaW+Ul9f22hCMc3J7sWYhrjHoXygCdXqiY0l+9TmWHFE3oUODanz2rM5gUpVB8LhjA5n04ojbnFqOngGC25yeE41"
        + "ymj/xJzYp7XPcN7FzFzFzSPXN5urrXqzAYtuSStixAsYUZM16QguaqImH8Glk5RzmcMVHa5Ow/pwLYPlpb3F9k0quz7hr2GEFiwhnyD/xkFCH8FNTRzBrYx9m8MdHe5OsyNYnmG/sfwP"
        + "E/a9lN1obDRbjcZmE+67WbceZN1KmQ85PNLhcZw2lPU4PBkAjkRKxhxCtQNP1Z32fnf3999fp3vHNHWLKIdntmkmw+ReYJoELQSed+CFJlojqOnwMn0bneRtzOYgzvVTmqtfnpu0Qmui"
        + "kMurojAtwzZuW/jhGuL6sUWEWRnflHIt51rJdSHXY24p1+VcV+Y4KO3/PMzVJ3sDAAA=";

    public static byte[] Zip => Unpack(ZipBase64);

    public static byte[] Legacy => Unpack(LegacyBase64);

    static byte[] Unpack(string base64)
    {
        using var gzip = new GZipStream(new MemoryStream(Convert.FromBase64String(base64)), CompressionMode.Decompress);
        using var bytes = new MemoryStream();
        gzip.CopyTo(bytes);
        return bytes.ToArray();
    }
}
