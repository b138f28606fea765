"""What the made-up activities of the search's benchmark are about: topics in families, with words of three languages and paraphrases."""

from typing import NamedTuple

LANGUAGES = ("en", "de", "fr")


class Topic(NamedTuple):
    """One subject; the paraphrases share no word with names and texts."""

    key: str
    family: str
    names: tuple[str, str, str]
    """What an activity is called, in each of LANGUAGES."""
    words: tuple[str, str, str]
    """What its text says."""
    paraphrases: tuple[str, str, str]


_ROWS = """
owls|animals|Owl evening;Eulenabend;Soirée des hiboux|owls, feathers, night flight, falconer;Eulen, Federn, Nachtflug, Falkner;hiboux, plumes, vol de nuit, fauconnier|birds of prey after dark;Greifvögel bei Dunkelheit;rapaces à la tombée du jour
farm|animals|Farm morning;Vormittag auf dem Bauernhof;Matinée à la ferme|goats, tractor, milking, hay;Ziegen, Traktor, Melken, Heu;chèvres, tracteur, traite, foin|cows and sheep to stroke;Kühe und Schafe streicheln;vaches et moutons à caresser
seals|animals|Seal feeding;Robbenfütterung;Repas des phoques|seals, fish, keepers, pool edge;Robben, Fische, Tierpfleger, Beckenrand;phoques, poissons, soigneurs, bassin|sea mammals having lunch;Meeressäuger beim Mittagessen;mammifères marins à table
ponies|animals|Pony ride;Ponyreiten;Balade en poney|ponies, saddle, stable, brushing;Ponys, Sattel, Stall, Striegeln;poneys, selle, écurie, brosser|little horses for beginners;kleine Pferde für Anfänger;petits chevaux pour débutants
dinosaurs|science|Dinosaur workshop;Dinosaurier-Werkstatt;Atelier dinosaures|dinosaurs, fossils, bones, digging;Dinosaurier, Fossilien, Knochen, Graben;dinosaures, fossiles, os, fouilles|giant reptiles of the past;Riesenechsen der Urzeit;reptiles géants disparus
planets|science|Planetarium show;Planetariumsschau;Séance de planétarium|planets, stars, telescope, moon;Planeten, Sterne, Teleskop, Mond;planètes, étoiles, télescope, lune|astronomy and outer space;Astronomie und Weltall;astronomie et cosmos
robots|science|Robot building;Roboter bauen;Construction de robots|robots, sensors, coding, motors;Roboter, Sensoren, Programmieren, Motoren;robots, capteurs, code, moteurs|machines that think for themselves;denkende Maschinen;machines intelligentes
chemistry|science|Kitchen chemistry;Küchenchemie;Chimie de cuisine|slime, bubbles, experiments, colours;Schleim, Blasen, Experimente, Farben;slime, bulles, expériences, couleurs|laboratory fun with mixtures;Spaß im Labor mit Mischungen;laboratoire et mélanges amusants
pottery|crafts|Pottery hour;Töpferstunde;Heure de poterie|clay, glaze, kiln, bowls;Ton, Glasur, Brennofen, Schalen;argile, émail, four, bols|shaping earth by hand;Erde mit Händen formen;façonner la terre
painting|crafts|Painting studio;Malatelier;Atelier de peinture|brushes, watercolour, canvas, easel;Pinsel, Aquarell, Leinwand, Staffelei;pinceaux, aquarelle, toile, chevalet|making pictures like an artist;Bilder machen wie ein Künstler;tableaux comme un artiste
sewing|crafts|Sewing circle;Nähkreis;Cercle de couture|needles, fabric, thread, patches;Nadeln, Stoff, Faden, Flicken;aiguilles, tissu, fil, pièces|making your own clothes;eigene Kleidung herstellen;fabriquer ses vêtements
woodwork|crafts|Woodworking shed;Holzwerkstatt;Atelier bois|saws, birdhouse, planks, sandpaper;Sägen, Nistkasten, Bretter, Schleifpapier;scies, nichoir, planches, papier de verre|carpentry for small hands;Tischlern für kleine Hände;menuiserie pour petites mains
puppets|stage|Puppet theatre;Kasperletheater;Théâtre de marionnettes|puppets, curtain, strings, laughter;Handpuppen, Vorhang, Fäden, Lachen;marionnettes, rideau, ficelles, rires|dolls that act out stories;Figurenspiel zum Mitfiebern;poupées qui jouent la comédie
circus|stage|Circus afternoon;Zirkusnachmittag;Après-midi cirque|acrobats, clowns, juggling, ring;Akrobaten, Clowns, Jonglieren, Manege;acrobates, clowns, jonglage, piste|big top and red noses;Zelt und rote Nasen;chapiteau et nez rouges
choir|stage|Children's choir;Kinderchor;Chorale des petits|singing, songs, harmony, rounds;Singen, Lieder, Harmonie, Kanon;chanter, chansons, harmonie, canon|voices making music together;Stimmen musizieren gemeinsam;voix à l'unisson
magic|stage|Magic show;Zaubershow;Spectacle de magie|rabbit, wand, cards, tricks;Kaninchen, Zauberstab, Karten, Tricks;lapin, baguette, cartes, tours|illusions and vanishing things;Illusionen und Verschwundenes;illusions et disparitions
swimming|water|Swimming course;Schwimmkurs;Cours de natation|pool, floats, diving, goggles;Schwimmbad, Schwimmnudeln, Tauchen, Schwimmbrille;piscine, frites, plongée, lunettes|learning not to sink;lernen nicht unterzugehen;apprendre à ne pas couler
canoe|water|Canoe trip;Kanutour;Sortie en canoë|paddles, river, life jackets, rapids;Paddel, Fluss, Schwimmwesten, Stromschnellen;pagaies, rivière, gilets, rapides|boating downstream;mit dem Boot stromabwärts;descente en bateau
splash|water|Water playground;Wasserspielplatz;Jeux d'eau|fountains, sprinklers, dam, puddles;Fontänen, Sprinkler, Staudamm, Pfützen;fontaines, jets, barrage, flaques|getting wet on hot days;nass werden an heißen Tagen;se mouiller quand il fait chaud
fishing|water|Fishing lesson;Angelkurs;Initiation à la pêche|rods, bait, trout, jetty;Angelruten, Köder, Forellen, Steg;cannes, appâts, truites, ponton|catching something for supper;etwas zum Abendessen fangen;attraper son dîner
climbing|sport|Climbing wall;Kletterwand;Mur d'escalade|ropes, boulders, harness, grips;Seile, Boulder, Gurt, Griffe;cordes, blocs, baudrier, prises|going up steep heights;steil nach oben;grimper en hauteur
football|sport|Football camp;Fußballcamp;Stage de foot|goals, dribbling, boots, team;Tore, Dribbeln, Stollenschuhe, Mannschaft;buts, dribbles, crampons, équipe|kicking a ball with others;gemeinsam kicken;taper dans un ballon
skating|sport|Ice skating;Eislaufen;Patinage sur glace|rink, blades, penguins, spins;Eisbahn, Kufen, Pinguine, Pirouetten;patinoire, lames, pingouins, pirouettes|gliding on frozen ground;gleiten auf Gefrorenem;glisser sur le gel
yoga|sport|Family yoga;Familienyoga;Yoga en famille|stretching, mats, breathing, balance;Dehnen, Matten, Atmen, Gleichgewicht;étirements, tapis, respiration, équilibre|calm movement and relaxing;ruhige Bewegung und Entspannung;mouvement calme et détente
forest|nature|Forest walk;Waldspaziergang;Balade en forêt|trees, moss, beetles, trail;Bäume, Moos, Käfer, Pfad;arbres, mousse, scarabées, sentier|hiking in the green;Wandern im Grünen;randonnée en pleine nature
garden|nature|Garden club;Gartenclub;Club de jardinage|seeds, compost, watering, beds;Samen, Kompost, Gießen, Beete;graines, compost, arrosage, plates-bandes|growing vegetables yourself;Gemüse selbst ziehen;faire pousser ses légumes
bees|nature|Bee day;Bienentag;Journée des abeilles|hive, honey, beekeeper, pollen;Bienenstock, Honig, Imker, Pollen;ruche, miel, apiculteur, pollen|insects that sting and buzz;summende Insekten;insectes qui piquent
caves|nature|Cave tour;Höhlenführung;Visite de grotte|stalactites, bats, lamps, rock;Tropfsteine, Fledermäuse, Lampen, Fels;stalactites, chauves-souris, lampes, roche|exploring under the ground;unter der Erde forschen;explorer sous terre
stories|books|Story time;Vorlesestunde;Heure du conte|books, library, fairy tales, cushions;Bücher, Bücherei, Märchen, Kissen;livres, bibliothèque, contes, coussins|listening to somebody reading aloud;jemandem beim Lesen lauschen;écouter une lecture
comics|books|Comic workshop;Comic-Werkstatt;Atelier BD|panels, speech bubbles, heroes, ink;Panels, Sprechblasen, Helden, Tusche;cases, phylactères, héros, encre|drawn tales with superheroes;gezeichnete Geschichten;récits dessinés
baking|food|Baking class;Backkurs;Cours de pâtisserie|dough, oven, biscuits, icing;Teig, Ofen, Plätzchen, Zuckerguss;pâte, biscuits, glaçage, rouleau|cakes made by yourself;Kuchen selbst gemacht;gâteaux faits maison
market|food|Farmers' market;Wochenmarkt;Marché fermier|stalls, cheese, fruit, tasting;Stände, Käse, Obst, Probieren;étals, fromage, fruits, dégustation|buying fresh from growers;frisch vom Erzeuger kaufen;acheter frais aux producteurs
castle|history|Castle day;Burgtag;Journée au château|knights, armour, tower, banquet;Ritter, Rüstung, Turm, Festmahl;chevaliers, armure, donjon, banquet|life in the middle ages;Leben im Mittelalter;vie médiévale
romans|history|Roman camp;Römerlager;Camp romain|legionaries, mosaics, togas, chariots;Legionäre, Mosaike, Togen, Streitwagen;légionnaires, mosaïques, toges, chars|ancient empire of the caesars;antikes Reich der Cäsaren;empire antique des césars
trains|vehicles|Steam train;Dampfzug;Train à vapeur|locomotive, whistle, platform, coal;Lokomotive, Pfeife, Bahnsteig, Kohle;locomotive, sifflet, quai, charbon|old railway rides;alte Eisenbahn fahren;vieux chemins de fer
firefighters|vehicles|Fire station open day;Tag der offenen Feuerwache;Portes ouvertes des pompiers|fire engine, hose, ladder, siren;Löschfahrzeug, Schlauch, Drehleiter, Sirene;camion, lance, échelle, sirène|emergency heroes and their red trucks;Helden im Einsatz;héros du secours
"""


def _topic(row: str) -> Topic:
    key, family, names, words, paraphrases = row.split("|")
    return Topic(key, family, _three(names), _three(words), _three(paraphrases))


def _three(text: str) -> tuple[str, str, str]:
    one, two, three = text.split(";")
    return one, two, three


TOPICS = tuple(_topic(row) for row in _ROWS.strip().splitlines())
