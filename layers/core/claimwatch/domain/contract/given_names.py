"""Given names and titles by which a column of names of persons is recognised, whatever its header.

A fifth of the different values is enough, so that the most common given names suffice. Names that are also
makes, models, towns or usual words of claims (Mercedes, Leon, Charlotte, Will, May) are left out.
"""

from claimwatch.domain.contract.header_words import folded

_NAMES = """
    james robert john michael david william richard joseph thomas christopher charles daniel matthew anthony
    steven andrew paul joshua kenneth kevin brian george timothy ronald edward jeffrey ryan jacob gary
    nicholas eric jonathan stephen larry justin scott brandon benjamin samuel gregory alexander
    patrick raymond
    jack dennis jerry tyler aaron jose adam nathan henry zachary douglas peter kyle noah ethan jeremy keith
    roger terry sean gerald harold carl oliver harry liam oscar ian simon stuart nigel graham
    mary patricia jennifer linda elizabeth barbara susan jessica sarah karen lisa nancy sandra betty ashley
    emily kimberly margaret donna michelle carol amanda melissa deborah stephanie rebecca sharon
    laura cynthia
    dorothy amy kathleen angela shirley brenda emma anna pamela nicole samantha katherine christine helen
    debra rachel carolyn janet maria heather diane julie joyce evelyn joan christina kelly lauren jane ann
    olivia sophie amelia isla alice claire hannah megan lucy tracey fiona ruth
    hans peter wolfgang klaus jurgen dieter manfred uwe gunter horst bernd rainer stefan stephan andreas
    thorsten torsten frank juergen joachim gerhard helmut werner heinz karl-heinz karl heinrich walter ralf
    matthias markus jens sven lars jan tobias sebastian florian christian philipp felix lukas jonas moritz
    maximilian niklas finn erik holger volker detlef rolf bernhard franz josef johann georg anton bert
    ursula monika petra sabine renate helga karin brigitte ingrid erika andrea gisela claudia
    susanne gabriele
    christa birgit elke heike silke anja katja nadine melanie katharina julia lena leonie mia marie lea
    johanna greta heidi jutta marion angelika barbara cornelia martina ute kerstin tanja sandra ilse gerda
    jean pierre michel philippe alain patrick nicolas christophe bernard laurent frederic eric stephane
    pascal david daniel gerard julien olivier thierry jacques francois sebastien guillaume antoine vincent
    jerome francis didier marc alexandre maxime thomas romain benoit mathieu yves rene andre louis
    lucas hugo
    gabriel raphael leo jules arthur mathis theo
    marie nathalie isabelle sylvie catherine martine christine francoise valerie sandrine stephanie
    veronique sophie celine chantal patricia anne brigitte julie monique aurelie nicole laurence
    annie emilie
    dominique virginie corinne elodie christelle camille lea manon chloe ines jade louise agathe margaux
    antonio manuel jose francisco juan pedro jesus angel miguel javier carlos rafael alejandro fernando
    sergio jorge luis alberto pablo alvaro adrian enrique ramon vicente ignacio andres joaquin diego ivan
    ruben raul santiago jaime oscar gonzalo eduardo salvador emilio julio
    carmen josefa isabel dolores pilar teresa ana francisca antonia cristina marta lucia elena raquel
    concepcion rosario manuela beatriz silvia paula rocio montserrat alicia nuria encarnacion yolanda
    inmaculada marina consuelo esperanza guadalupe ximena valentina sofia
    giuseppe giovanni antonio mario luigi francesco angelo vincenzo pietro salvatore carlo franco domenico
    bruno paolo michele giorgio aldo sergio luciano roberto andrea stefano marco alessandro davide matteo
    lorenzo simone riccardo fabio massimo gianluca maurizio claudio enrico filippo tommaso nicola luca
    giuseppina rosa angela giovanna teresa lucia carmela caterina francesca antonietta concetta rita
    margherita franca paola laura chiara federica valentina alessandra silvia martina elisa sara simona
    barbara daniela ilaria roberta serena aurora giorgia beatrice
    johannes jan cornelis hendrik willem pieter gerrit petrus jacobus dirk adriaan gijs bram daan sem luuk
    thijs ruud wim henk kees joop maarten sander jeroen bas joost koen rik tim tom bart niels
    maria johanna anna cornelia wilhelmina hendrika elisabeth adriana margaretha aaltje grietje annemarie
    anouk femke sanne lotte fleur tess saskia ingrid marjolein ellen marloes els wilma truus
    mohammed muhammad mohamed ahmed ali fatima aisha hassan hussein ibrahim mustafa mehmet ayse fatma yusuf
    omar amina khadija abdul priya rahul wei anastasia olga ivan dmitri natalia tatiana svetlana piotr
    krzysztof andrzej tomasz agnieszka katarzyna malgorzata magdalena joanna pawel marcin
"""

GIVEN_NAMES = frozenset(map(folded, _NAMES.split()))
"""Common given names, without accents."""

_TITLES = """
    mr mrs ms miss dr prof herr frau hr fr dhr mevr mevrouw heer monsieur madame mademoiselle mme mlle m
    senor senora sr sra don dona signor signora sig dott dottssa avv ing maitre
"""

TITLES = frozenset(map(folded, _TITLES.split()))
"""Titles and forms of address before names."""
